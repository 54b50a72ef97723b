#include "common/activity.hpp"

#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

#include "common/waiter.hpp"

namespace factorps {
namespace {

TEST(Activity, ShowsWhatItsThreadDoesAndHolds) {
  Activity row;
  EXPECT_FALSE(row.see(0).lives);
  {
    const ActivityScope scope{row, "worker 1"};
    const Doing doing{"trains epoch 2"};
    activity()->hold({Holding::Kind::cell, 2, 3, 5});
    const ActivitySeen seen = row.see(4);
    EXPECT_TRUE(seen.lives);
    EXPECT_EQ(seen.rank, 4);
    EXPECT_EQ(seen.process, ::getpid());
    EXPECT_EQ(seen.who, "worker 1");
    EXPECT_EQ(seen.doing, "trains epoch 2");
    EXPECT_EQ(text_of(seen.holding), "strip 3 and block 5 (a cell of epoch 2)");
    EXPECT_FALSE(seen.resting);
  }
  EXPECT_FALSE(row.see(4).lives);
  EXPECT_EQ(activity(), nullptr);
}

TEST(Activity, ComesBackToWhatWasDoneBefore) {
  Activity row;
  const ActivityScope scope{row, ""};
  const Doing outer{"saves"};
  {
    const Doing inner{"forces a file to disk"};
    EXPECT_EQ(row.see(0).doing, "forces a file to disk");
  }
  EXPECT_EQ(row.see(0).doing, "saves");
}

TEST(Activity, IsTheOneOfTheThread) {
  Activity first;
  Activity second;
  const ActivityScope scope{first, "first"};
  std::thread{[&] {
    const ActivityScope other{second, "second"};
    note_progress();
    EXPECT_EQ(ActivityScope::of_process(0).size(), 2U);
  }}.join();
  EXPECT_EQ(first.see(0).progress, 0U);
  EXPECT_EQ(second.see(0).progress, 1U);
  EXPECT_EQ(ActivityScope::of_process(0).size(), 1U);
}

TEST(Activity, DoesNotWaitWhileItWorks) {
  Activity row;
  const ActivityScope scope{row, ""};
  row.rest("the scheduler");
  const Doing doing{"saves"};
  EXPECT_FALSE(row.see(0).resting);
  row.rest("a turn");
  row.hold({Holding::Kind::cell, 1, 2, 3});
  EXPECT_FALSE(row.see(0).resting);
}

TEST(Activity, CutsTextsThatAreTooLong) {
  Activity row;
  const ActivityScope scope{row, std::string(1000, 'x')};
  EXPECT_EQ(row.see(0).who, std::string(63, 'x'));
}

TEST(Activity, SaysWhatAWaiterWaitsForUntilItGoesOn) {
  Activity row;
  const ActivityScope scope{row, ""};
  Waiter waiter{1000};
  while (!row.see(0).resting) waiter.pause([] { return std::string{"a turn"}; });
  EXPECT_EQ(row.see(0).waits_for, "a turn");
  const std::uint64_t before = row.see(0).progress;
  waiter.progress();
  EXPECT_FALSE(row.see(0).resting);
  EXPECT_EQ(row.see(0).progress, before + 1);
}

}  // namespace
}  // namespace factorps

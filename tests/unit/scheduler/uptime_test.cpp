/// The clock is tests/support/fake_clock.cpp.
#include "scheduler/uptime.hpp"

#include <gtest/gtest.h>

#include "common/error.hpp"
#include "common/faults.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps::scheduler {
namespace {

constexpr double kHour = 3600;

class UptimeOf : public testing::Test {
 protected:
  /// A start that lasts so long, and is gone without a word after that.
  void fails_after(double kept, double lost) const {
    Uptime uptime{file_};
    EXPECT_EQ(uptime.begin(), "");
    sleep(Seconds{kept});
    uptime.keep();
    sleep(Seconds{lost});
  }
  void ends_after(double seconds) const {
    Uptime uptime{file_};
    EXPECT_EQ(uptime.begin(), "");
    sleep(Seconds{seconds});
    uptime.end();
    sleep(Seconds{kHour});  // of other work of the process
    uptime.end();
    uptime.keep();
  }

  test::TemporaryDirectory directory_;
  std::filesystem::path file_ = directory_ / "uptime.json";
};

TEST_F(UptimeOf, CountsHoursOfAllStartsAndThoseThatDidNotEnd) {
  ends_after(2 * kHour);
  fails_after(3 * kHour, 600);
  fails_after(kHour, 0);
  ends_after(kHour);
  Uptime uptime{file_};
  sleep(Seconds{kHour});  // before it begins
  EXPECT_EQ(uptime.begin(), "");
  EXPECT_EQ(uptime.failures(), 2U);
  EXPECT_NEAR(uptime.seconds(), 7 * kHour, 1e-6);
  sleep(Seconds{5 * kHour});  // so far without a failure
  EXPECT_NEAR(uptime.seconds(), 12 * kHour, 1e-6);
  EXPECT_NEAR(uptime.between_failures(24 * kHour), 36 * kHour / 3, 1e-6);
}

TEST_F(UptimeOf, IsWhatWasAssumedWhereNothingWasSeen) {
  Uptime uptime{file_};
  EXPECT_EQ(uptime.between_failures(24 * kHour), 24 * kHour);
  uptime.keep();
  uptime.end();
  EXPECT_FALSE(std::filesystem::exists(file_));
}

TEST_F(UptimeOf, SaysWhatIsWrongWithAFileAndCountsAnew) {
  for (const char* text :
       {"", "[]", R"({"failures":1,"running":0})", R"({"failures":1,"running":2,"seconds":3})",
        R"({"failures":-1,"running":0,"seconds":3})", R"({"failures":1,"running":0,"seconds":-3})",
        R"({"running":0,"seconds":3})"}) {
    directory_.write("uptime.json", text);
    Uptime uptime{file_};
    EXPECT_EQ(uptime.begin().find(file_.string() + ": damaged, counts from now on: "), 0U) << text;
    EXPECT_EQ(uptime.failures(), 0U);
    EXPECT_EQ(uptime.seconds(), 0);
    EXPECT_EQ(Uptime{file_}.begin(), "") << "written anew";
  }
}

TEST_F(UptimeOf, KeepsTheLastFileWhereItCannotBeWritten) {
  fails_after(kHour, 0);
  install_faults(std::make_unique<Faults>(parse_faults("fail rename=1 path=uptime"), 0));
  EXPECT_THROW(Uptime{file_}.begin(), ResourceError);
  install_faults(nullptr);
  Uptime uptime{file_};
  EXPECT_EQ(uptime.begin(), "");
  EXPECT_EQ(uptime.failures(), 1U);
}

}  // namespace
}  // namespace factorps::scheduler

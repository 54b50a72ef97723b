#include "common/watch.hpp"

#include <csignal>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace factorps {
namespace {

/// Three ranks of which rank 0 looks every second: a rank may stand still for 10 s, all for 30 s.
class Watching : public testing::Test {
 protected:
  Watching() {
    for (int rank = 0; rank < 3; ++rank) {
      ActivitySeen& one = ranks_.emplace_back();
      one.rank = rank;
      one.lives = true;
      one.process = 100 + rank;
    }
  }
  /// The ranks tick but for `dead`, and get on if `progress`; looks until something is concluded.
  std::optional<Verdict> look(int times, int dead, bool progress) {
    for (int n = 1; n <= times; ++n) {
      for (ActivitySeen& one : ranks_) {
        if (one.rank != dead) ++one.ticks;
        if (one.rank != dead && progress) ++one.progress;
      }
      looks_ = n;
      if (auto verdict = watch_.look(ranks_)) return verdict;
    }
    return std::nullopt;
  }

  ProcessState state_ = ProcessState::runs;
  std::vector<ActivitySeen> ranks_;
  Watch watch_{{0, 1, 10, 30}, [this](std::int64_t process) {
                 return process == 102 ? state_ : ProcessState::runs;
               }};
  int looks_ = 0;
};

TEST_F(Watching, IsContentWhileEverybodyTicksAndSomebodyGetsOn) {
  for (int n = 0; n < 10; ++n) {
    EXPECT_FALSE(look(20, -1, false));  // a long sum, say
    EXPECT_FALSE(look(1, -1, true));
  }
}

TEST_F(Watching, FindsARankThatStandsStillAndSaysWhatItHeld) {
  ASSERT_FALSE(look(5, -1, true));
  state_ = ProcessState::stopped;
  ranks_[2].who = "worker 1";
  ranks_[2].holding = {Holding::Kind::cell, 4, 3, 5};
  const auto verdict = look(20, 2, true);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(looks_, 10);  // one period
  EXPECT_EQ(verdict->kind, Verdict::Kind::frozen);
  EXPECT_EQ(verdict->cause,
            "rank 2 (worker 1) stands still for 10 s (cluster.watchdog_seconds): process 102 is "
            "stopped (SIGSTOP or a debugger); it held strip 3 and block 5 (a cell of epoch 4)");
}

TEST_F(Watching, ForgivesARankThatTicksAgain) {
  for (int n = 0; n < 5; ++n) {
    EXPECT_FALSE(look(9, 2, true));
    EXPECT_FALSE(look(1, -1, true));
  }
}

TEST_F(Watching, FindsARankThatIsGoneAtOnce) {
  ASSERT_FALSE(look(5, -1, true));
  state_ = ProcessState::gone;
  ranks_[2].doing = "saves its rows to X";
  const auto verdict = look(20, 2, true);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(looks_, 2);
  EXPECT_EQ(verdict->kind, Verdict::Kind::gone);
  EXPECT_EQ(verdict->cause,
            "rank 2 is gone: killed, out of memory or crashed; it saves its rows to X");
}

TEST_F(Watching, MissesNobodyWhoHasLeft) {
  ASSERT_FALSE(look(5, -1, true));
  state_ = ProcessState::gone;
  ranks_[2].lives = false;
  EXPECT_FALSE(look(100, 2, true));
}

TEST_F(Watching, SaysWhereEverybodyIsWhenNobodyGetsOn) {
  ASSERT_FALSE(look(5, -1, true));
  ranks_[0].who = "scheduler";
  ranks_[0].doing = "trains epoch 2";
  ranks_[0].resting = true;
  ranks_[0].waits_for = "the end of pass 1";
  ranks_[1].resting = true;
  ranks_[1].waits_for = "turn 3 of block 1";
  const auto verdict = look(100, -1, false);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(looks_, 30);
  EXPECT_EQ(verdict->kind, Verdict::Kind::stalled);
  EXPECT_EQ(verdict->cause, "nobody got on for 30 s (cluster.timeout_seconds)");
  EXPECT_EQ(verdict->everybody,
            "  rank 0 (scheduler): trains epoch 2; waits for the end of pass 1\n"
            "  rank 1: waits for turn 3 of block 1\n"
            "  rank 2: works\n");
}

TEST_F(Watching, HasMorePatienceWithADisk) {
  ASSERT_FALSE(look(5, -1, true));
  state_ = ProcessState::waits_for_disk;
  EXPECT_TRUE(look(1000, -1, false));
  EXPECT_EQ(looks_, 12 * 30);
}

TEST(StateOfProcess, KnowsTheDeadTheStoppedAndTheLiving) {
  EXPECT_EQ(state_of_process(::getpid()), ProcessState::runs);
  const pid_t child = ::fork();
  if (child == 0) {
    while (true) ::pause();
  }
  ::kill(child, SIGSTOP);
  ::waitpid(child, nullptr, WUNTRACED);
  EXPECT_EQ(state_of_process(child), ProcessState::stopped);
  ::kill(child, SIGKILL);
  siginfo_t info;
  ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT);
  EXPECT_EQ(state_of_process(child), ProcessState::gone);  // a zombie
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(state_of_process(child), ProcessState::gone);
}

TEST_F(Watching, WaitsLongerWhileAnyThreadOfARankHangsInADisk) {
  ActivitySeen& writer = ranks_.emplace_back();
  writer.rank = 1;
  writer.lives = true;
  writer.process = 102;  // a thread
  writer.who = "checkpoint writer";
  writer.doing = "forces shard-000.h5 to disk";
  state_ = ProcessState::waits_for_disk;
  EXPECT_FALSE(look(12 * 30 - 1, -1, false));
  const auto verdict = look(10, -1, false);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->kind, Verdict::Kind::stalled);
  EXPECT_NE(verdict->everybody.find("rank 1 (checkpoint writer): forces shard-000.h5 to disk\n"),
            std::string::npos)
      << verdict->everybody;
}

/// It has ended, and the watchdog of its process has not said so yet: that one gets no time to run.
TEST_F(Watching, DoesNotTakeAThreadThatHasEndedForItsProcess) {
  ActivitySeen& writer = ranks_.emplace_back();
  writer.rank = 1;
  writer.lives = true;
  writer.beside = true;
  writer.process = 102;  // the thread
  ranks_[2].process = 103;
  ASSERT_FALSE(look(5, -1, true));
  state_ = ProcessState::gone;
  EXPECT_FALSE(look(5, 1, true));
  EXPECT_FALSE(look(5, -1, true));
  const auto verdict = look(20, 1, true);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->kind, Verdict::Kind::frozen);
  EXPECT_EQ(verdict->cause.find("rank 1 stands still for 10 s"), 0U) << verdict->cause;
}

TEST(AMirror, ShowsTheThreadThatWorksAndNobodyWhenThereIsNone) {
  Activity shown;
  Mirror mirror{shown};
  mirror.show({});
  EXPECT_FALSE(shown.see(0).lives);

  ActivitySeen waits;
  waits.process = 11;
  waits.who = "writer 0";
  waits.resting = true;
  waits.waits_for = "copies";
  ActivitySeen works;
  works.process = 12;
  works.who = "writer 1";
  works.doing = "writes a file";
  works.progress = 5;
  mirror.show(std::vector{waits});
  EXPECT_EQ(text_of(shown.see(3)), "rank 3 (writer 0): waits for copies");

  mirror.show(std::vector{waits, works});
  const ActivitySeen first = shown.see(3);
  EXPECT_EQ(text_of(first), "rank 3 (writer 1): writes a file");
  EXPECT_EQ(first.process, 12);
  EXPECT_TRUE(first.lives);

  mirror.show(std::vector{waits, works});  // it hangs
  const ActivitySeen second = shown.see(3);
  EXPECT_EQ(second.progress, first.progress);
  EXPECT_GT(second.ticks, first.ticks);
  works.progress = 6;
  mirror.show(std::vector{works});
  EXPECT_GT(shown.see(3).progress, first.progress);
  mirror.show({});
  EXPECT_FALSE(shown.see(3).lives);
}

}  // namespace
}  // namespace factorps

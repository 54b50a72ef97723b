#include "common/faults.hpp"

#include <cerrno>
#include <csignal>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/error.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps {
namespace {

TEST(Faults, LetTheNthOperationFailOnce) {
  Faults faults{parse_faults("fail sync=2 path=shard; fail rename=1 error=EROFS"), 0};
  EXPECT_EQ(faults.sync("a/shard-000.h5"), 0);
  EXPECT_EQ(faults.sync("a/manifest.json"), 0);
  EXPECT_EQ(faults.sync("a/shard-001.h5"), EIO);
  EXPECT_EQ(faults.sync("a/shard-002.h5"), 0);
  EXPECT_EQ(faults.rename("a"), EROFS);
  EXPECT_EQ(faults.rename("a"), 0);
}

TEST(Faults, AreThoseOfTheirRank) {
  Faults faults{parse_faults("fail sync=1 rank=1"), 0};
  EXPECT_EQ(faults.sync("file"), 0);
}

TEST(Faults, FillTheDiskInTheMiddleOfAWriteAndForGood) {
  Faults faults{parse_faults("fill bytes=100"), 0};
  EXPECT_EQ(faults.write("a", 60).bytes, 60U);
  const Faults::Write last = faults.write("b", 60);
  EXPECT_EQ(last.bytes, 40U);
  EXPECT_EQ(last.error, ENOSPC);
  const Faults::Write more = faults.write("c", 1);
  EXPECT_EQ(more.bytes, 0U);
  EXPECT_EQ(more.error, ENOSPC);
}

TEST(Faults, FlipOneBitOfTheNthFileOfThisName) {
  const test::TemporaryDirectory directory;
  std::filesystem::create_directory(directory / "epoch-000001");
  const auto path = directory.write("epoch-000001/shard-000.h5", "abc");
  Faults faults{parse_faults("flip path=shard-000.h5 byte=1 bit=0 nth=2"), 0};
  faults.damage(directory / "epoch-000001");
  EXPECT_EQ(test::read_text(path), "abc");
  faults.damage(directory / "epoch-000001");
  EXPECT_EQ(test::read_text(path), "acc");
}

TEST(Faults, TruncateAFile) {
  const test::TemporaryDirectory directory;
  const auto path = directory.write("model.h5", "0123456789");
  Faults faults{parse_faults("truncate path=model.h5 bytes=4"), 0};
  faults.damage(path);
  EXPECT_EQ(test::read_text(path), "0123");
}

/// What ends or stops a child that does this.
template <class Do>
int signal_of(const std::string& text, int rank, Do&& act) {
  const pid_t child = ::fork();
  if (child == 0) {
    Faults faults{parse_faults(text), rank};
    act(faults);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, WUNTRACED);
  if (WIFEXITED(status)) return 0;
  if (WIFSIGNALED(status)) return WTERMSIG(status);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  return WSTOPSIG(status);
}

TEST(Faults, KillWhoeverComesToTheirPlace) {
  const auto three_cells = [](Faults& faults) {
    for (int n = 0; n < 3; ++n) faults.begin_cell(2);
  };
  EXPECT_EQ(signal_of("kill rank=1 cell=3", 1, three_cells), SIGKILL);
  EXPECT_EQ(signal_of("kill rank=1 cell=3", 2, three_cells), 0);
  EXPECT_EQ(signal_of("kill cell=4", 1, three_cells), 0);
  EXPECT_EQ(signal_of("kill epoch=2 cell=3", 1, three_cells), SIGKILL);
  EXPECT_EQ(signal_of("kill epoch=3 cell=3", 1, three_cells), 0);
  EXPECT_EQ(signal_of("freeze epoch=2 cell=1", 1, three_cells), SIGSTOP);
  EXPECT_EQ(signal_of("kill epoch=4", 0, [](Faults& f) { f.begin_epoch(4); }), SIGKILL);
  EXPECT_EQ(signal_of("kill epoch=4", 0, [](Faults& f) { f.begin_epoch(3); }), 0);
}

TEST(Faults, KillInAPhaseOfTheNthCheckpoint) {
  const auto twice = [](Faults& faults) {
    faults.at(CheckpointPhase::manifest);
    faults.at(CheckpointPhase::rename);
    faults.at(CheckpointPhase::manifest);
  };
  EXPECT_EQ(signal_of("kill checkpoint=manifest nth=2", 0, twice), SIGKILL);
  EXPECT_EQ(signal_of("kill checkpoint=manifest nth=3", 0, twice), 0);
  EXPECT_EQ(signal_of("freeze checkpoint=rename", 0, twice), SIGSTOP);
  EXPECT_EQ(signal_of("freeze checkpoint=prune", 0, twice), 0);
}

TEST(Faults, KillAtATimeWhateverTheProcessDoes) {
  EXPECT_EQ(signal_of("kill seconds=0.01", 0, [](Faults&) { ::pause(); }), SIGKILL);
}

}  // namespace
}  // namespace factorps

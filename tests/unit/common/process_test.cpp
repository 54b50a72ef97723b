#include "common/process.hpp"

#include <gtest/gtest.h>

#include "common/error.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps {
namespace {

TEST(RunProcess, PassesWordsAsTheyAre) {
  const test::TemporaryDirectory directory;
  EXPECT_EQ(run_process({"printf", "%s|", "a b", "$HOME", "*", ""}, directory / "log"), 0);
  EXPECT_EQ(test::read_text(directory / "log"), "a b|$HOME|*||");
}

TEST(RunProcess, KeepsErrorsAndReplacesTheLog) {
  const test::TemporaryDirectory directory;
  directory.write("log", "a long text of an earlier run");
  EXPECT_EQ(run_process({"bash", "-c", "echo out; echo err >&2; exit 7"}, directory / "log"), 7);
  EXPECT_EQ(test::read_text(directory / "log"), "out\nerr\n");
}

TEST(RunProcess, NamesTheSignal) {
  const test::TemporaryDirectory directory;
  EXPECT_EQ(run_process({"bash", "-c", "kill -KILL $$"}, directory / "log"), 128 + 9);
}

TEST(RunProcess, SaysThatAProgramIsNotThere) {
  const test::TemporaryDirectory directory;
  try {
    run_process({"no-such-program"}, directory / "log");
    FAIL() << "no error";
  } catch (const ResourceError& error) {
    EXPECT_STREQ(error.what(), "no-such-program: No such file or directory");
  }
}

/// A child signals this process, which passes it on. Last: the request stays.
TEST(RunProcessLast, PassesOnASignal) {
  const test::TemporaryDirectory directory;
  EXPECT_FALSE(stop_requested());
  const int code =
      run_process({"bash", "-c", "trap 'kill $!; exit 42' TERM; sleep 50 & kill -TERM $PPID; wait"},
                  directory / "log");
  EXPECT_EQ(code, 42);
  EXPECT_TRUE(stop_requested());
}

}  // namespace
}  // namespace factorps

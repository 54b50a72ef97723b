/// scripts/run-until-done: a training without SLURM that is started again until it is done.
#include <algorithm>
#include <csignal>

#include <gtest/gtest.h>

#include "tests/e2e/training_fixture.hpp"

namespace factorps::test {
namespace {

class RunUntilDone : public Training {
 protected:
  using Words = std::vector<std::string>;

  /// The command, with the training in DIRECTORY/run.
  [[nodiscard]] Words command(const Words& launcher, const Settings& settings = {}) const {
    Words words{FACTORPS_RUN_UNTIL_DONE, config_, "--set",
                "run.dir=" + (directory_ / "run").string()};
    for (const auto& setting : settings) words.insert(words.end(), {"--set", setting});
    words.emplace_back("--");
    words.insert(words.end(), launcher.begin(), launcher.end());
    return words;
  }
  [[nodiscard]] static ProgramOptions options() {
    ProgramOptions result;
    result.environment = {"FACTORPS=" + executable()};
    return result;
  }
};

const std::vector<std::string> kRanks{FACTORPS_MPIRUN, "-n", "4"};

TEST_F(RunUntilDone, ContinuesWhenARankIsKilled) {
  set_epochs(1'000'000);
  Program program{command(kRanks), options()};
  ASSERT_TRUE(reaches_epoch(program, "run", 2)) << program.wait().err;
  const int worker = process_of_rank(3);
  ASSERT_NE(worker, 0);
  ::kill(worker, SIGSTOP);  // no epoch can begin without it
  set_epochs(epochs_of("run") + 3);
  ::kill(worker, SIGKILL);
  const ProgramResult result = program.wait();
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("; continues\n"), std::string::npos) << result.out;
  EXPECT_EQ(nlohmann::json::parse(read_text(directory_ / "run/summary.json"))["model_sha256"],
            hash(0, "alone"));
}

TEST_F(RunUntilDone, StopsWhenTwoRunsInARowMadeNoProgress) {
  const ProgramResult result =
      run_program(command({"sh", "-c", "echo start; exit 137"}), options());
  EXPECT_EQ(result.exit_code, 137);
  EXPECT_EQ(std::ranges::count(result.out, '\n'), 3) << result.out;
  EXPECT_NE(
      result.err.find("two runs in a row made no progress; the last ended with exit code 137"),
      std::string::npos)
      << result.err;
}

TEST_F(RunUntilDone, IsDoneInTheEndThoughEveryStartDies) {
  // A start has 128 cells per epoch for two workers: each start does one epoch at least.
  for (const std::string fault : {"kill rank=3 cell=150", "freeze rank=3 cell=150"}) {
    std::filesystem::remove_all(directory_ / "run");
    ProgramOptions with_fault = options();
    with_fault.environment.push_back("FACTORPS_FAULTS=" + fault);
    const ProgramResult result =
        run_program(command(kRanks, {"cluster.watchdog_seconds=2"}), with_fault);
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_NE(result.err.find("factorps: fault on rank 3: "), std::string::npos) << result.err;
    EXPECT_EQ(nlohmann::json::parse(read_text(directory_ / "run/summary.json"))["model_sha256"],
              hash(0, "alone", {}, {"--overwrite"}));
  }
}

TEST_F(RunUntilDone, GivesUpOnAFaultThatComesAgainAtTheSamePlace) {
  ProgramOptions with_fault = options();
  with_fault.environment.emplace_back("FACTORPS_FAULTS=fail sync=1 path=epoch-000003");
  const ProgramResult result = run_program(command({}), with_fault);
  EXPECT_EQ(result.exit_code, 5) << result.err;
  EXPECT_NE(result.err.find("two runs in a row made no progress"), std::string::npos) << result.err;
}

TEST_F(RunUntilDone, EndsWithACheckpointWhenItIsTerminated) {
  Program program{command(kRanks, {"train.epochs=1000000"}), options()};
  ASSERT_TRUE(reaches_epoch(program, "run", 2)) << program.wait().err;
  program.signal(SIGTERM);
  const ProgramResult result = program.wait();
  EXPECT_EQ(result.exit_code, 75) << result.err;
  EXPECT_NE(result.err.find("asked to stop after epoch"), std::string::npos) << result.err;
  EXPECT_TRUE(no_process_is_left());
}

TEST_F(RunUntilDone, StopsWhenAFileAsksForIt) {
  Program program{command({}, {"train.epochs=1000000"}), options()};
  ASSERT_TRUE(reaches_epoch(program, "run", 1)) << program.wait().err;
  const auto file = directory_.write("run/stop", "");
  const ProgramResult result = program.wait();
  EXPECT_EQ(result.exit_code, 75) << result.err;
  EXPECT_EQ(result.out, "");  // nothing is started again
  EXPECT_NE(result.err.find("asked to stop by " + file.string() + " after epoch "),
            std::string::npos)
      << result.err;
  EXPECT_NE(result.err.find(file.string() + " asks the run to stop; remove it to continue"),
            std::string::npos)
      << result.err;
}

TEST_F(RunUntilDone, TriesNothingTwiceThatCannotWork) {
  const ProgramResult wrong = run_program(command({}, {"train.epochs=none"}), options());
  EXPECT_EQ(wrong.exit_code, 2);
  std::filesystem::remove(directory_ / "dataset.h5");
  const ProgramResult missing = run_program(command({}), options());
  EXPECT_EQ(missing.exit_code, 3);
  EXPECT_EQ(missing.out, "");
}

}  // namespace
}  // namespace factorps::test

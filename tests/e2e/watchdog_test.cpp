/// Ranks that die or stand still: the job ends, and says who, why and what it was at.
#include <algorithm>
#include <csignal>

#include <gtest/gtest.h>

#include "tests/e2e/training_fixture.hpp"

namespace factorps::test {
namespace {

class Watchdog : public Training {
 protected:
  /// Trains on several ranks with a fault.
  [[nodiscard]] ProgramResult with_fault(int ranks, const std::string& fault,
                                         Settings settings = {},
                                         const std::vector<std::string>& how = {
                                             "--overwrite"}) const {
    settings.emplace_back("cluster.watchdog_seconds=2");
    ProgramOptions options;
    options.environment = {"FACTORPS_FAULTS=" + fault};
    return run_program(command_of(ranks, train("run", settings, how)), options);
  }
  static std::string last_line(const std::string& text) {
    const std::size_t end = text.find_last_not_of('\n');
    if (end == std::string::npos) return {};
    const std::size_t before = text.rfind('\n', end);
    const std::size_t begin = before == std::string::npos ? 0 : before + 1;
    return text.substr(begin, end + 1 - begin);
  }
};

TEST_F(Watchdog, NamesAFrozenRankAndWhatItHeld) {
  const ProgramResult result = with_fault(4, "freeze epoch=2 cell=5");
  EXPECT_EQ(result.exit_code, 5) << result.err;
  const std::string line = last_line(result.err);
  EXPECT_EQ(line.find("factorps: error: rank "), 0U) << result.err;  // whoever has five cells first
  EXPECT_NE(line.find(") stands still for "), std::string::npos) << line;
  EXPECT_NE(line.find(" is stopped (SIGSTOP or a debugger); it held strip "), std::string::npos);
  EXPECT_NE(line.find("(a cell of epoch 2)"), std::string::npos) << line;
  EXPECT_NE(result.err.find("  rank 0 (scheduler): trains epoch 2; waits for the end of pass "),
            std::string::npos)
      << result.err;
  EXPECT_NE(result.err.find("  rank 1 (server 0): waits for the workers to end strips 0 to 7"),
            std::string::npos)
      << result.err;
  EXPECT_TRUE(no_process_is_left());
}

TEST_F(Watchdog, NamesAFrozenSchedulerAndServer) {
  for (const auto& [fault, who] :
       {std::pair{"freeze rank=0 checkpoint=manifest", "rank 0 (scheduler) stands still for "},
        std::pair{"freeze rank=1 checkpoint=writing", "rank 1 (server 0) stands still for "}}) {
    const ProgramResult result = with_fault(3, fault);
    EXPECT_EQ(result.exit_code, 5) << result.err;
    EXPECT_NE(last_line(result.err).find(who), std::string::npos) << result.err;
    EXPECT_TRUE(no_process_is_left());
  }
}

TEST_F(Watchdog, NamesAServerFrozenWhileItLoadsOrWritesTheModel) {
  ASSERT_EQ(factorps(train("run", {"train.epochs=1"})).exit_code, 0);
  for (const auto& [phase, doing] :
       {std::pair{"load", "; it loads "}, std::pair{"model", "; it writes "}}) {
    const ProgramResult result =
        with_fault(3, std::string{"freeze rank=1 checkpoint="} + phase, {}, {"--resume", "auto"});
    EXPECT_EQ(result.exit_code, 5) << result.err;
    const std::string line = last_line(result.err);
    EXPECT_NE(line.find("rank 1 (server 0) stands still for "), std::string::npos) << line;
    EXPECT_NE(line.find(doing), std::string::npos) << line;
    EXPECT_TRUE(no_process_is_left());
  }
}

TEST_F(Watchdog, EndsAJobInWhichARankDoesNotStart) {
  ProgramOptions options;
  options.environment = {"FACTORPS_FAULTS=freeze rank=1 seconds=0"};
  for (const std::string command : {"prepare", "train"}) {
    const ProgramResult result =
        run_program(command_of(2, {command, config_, "--set", "cluster.timeout_seconds=3", "--set",
                                   "cluster.watchdog_seconds=2", "--set",
                                   "run.dir=" + (directory_ / "run").string()}),
                    options);
    EXPECT_EQ(result.exit_code, 5) << result.err;
    // Frozen before, while or just after the watchdogs come to be.
    const std::string line = last_line(result.err);
    EXPECT_TRUE(line.find("waited 3 s for all ranks to start") != std::string::npos ||
                line.find("rank 1 stands still") != std::string::npos ||
                line.find("nobody got on for 3 s") != std::string::npos)
        << result.err;
    EXPECT_TRUE(no_process_is_left());
  }
}

TEST_F(Watchdog, NamesAKilledRankAndWhatItHeld) {
  const ProgramResult worker = with_fault(3, "kill rank=2 epoch=2 cell=5");
  EXPECT_EQ(worker.exit_code, 137) << worker.err;
  EXPECT_EQ(last_line(worker.err).find("factorps: error: rank 2 (worker 0) is gone: "), 0U)
      << worker.err;
  EXPECT_NE(last_line(worker.err).find("it held strip "), std::string::npos) << worker.err;
  EXPECT_TRUE(no_process_is_left());
  const ProgramResult scheduler = with_fault(4, "kill rank=0 epoch=2");
  EXPECT_EQ(scheduler.exit_code, 137) << scheduler.err;
  EXPECT_EQ(last_line(scheduler.err).find("factorps: error: rank 0 (scheduler) is gone: "), 0U)
      << scheduler.err;
  EXPECT_TRUE(no_process_is_left());
}

TEST_F(Watchdog, EndsAJobInWhichAMessageWasLost) {
  for (const std::string fault :
       {"drop nth=1 tag=start_pass to=2", "drop nth=1 tag=command_done"}) {
    const ProgramResult result =
        with_fault(0, fault, {"cluster.workers=2", "cluster.timeout_seconds=2"});
    EXPECT_EQ(result.exit_code, 5) << result.err;
    const std::string line = last_line(result.err);
    EXPECT_TRUE(line.find("nobody got on for 2 s") != std::string::npos ||
                line.find("waited 2 s for the end of pass 0: ") != std::string::npos)
        << result.err;
  }
}

TEST_F(Watchdog, IsSilentInAJobThatIsWell) {
  const ProgramResult result = with_fault(4, "", {"train.epochs=2"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.err.find("where the ranks"), std::string::npos) << result.err;
}

TEST_F(Watchdog, RefusesFaultsThatItDoesNotKnow) {
  const ProgramResult environment = with_fault(0, "kil rank=1 epoch=1");
  EXPECT_EQ(environment.exit_code, 2);
  EXPECT_EQ(environment.err,
            "factorps: error: FACTORPS_FAULTS: fault \"kil rank=1 epoch=1\": expected kill\n");
  const ProgramResult tag = with_fault(0, "drop nth=1 tag=nothing");
  EXPECT_EQ(tag.exit_code, 2);
  EXPECT_NE(tag.err.find("tag = nothing, expected one of start_pass, "), std::string::npos);
  const ProgramResult file = factorps(train("run", {"faults.inject=[\"kill rank=1\"]"}));
  EXPECT_EQ(file.exit_code, 2);
  EXPECT_NE(
      file.err.find("faults.inject = \"kill rank=1\": expected a fault as in docs/faults.md; "),
      std::string::npos)
      << file.err;
}

TEST_F(Watchdog, FaultsDoNotChangeTheModel) {
  const std::string expected = hash(0, "whole");
  EXPECT_EQ(hash(0, "late", {"faults.inject=[\"delay looks=30 seed=3\"]", "cluster.workers=3"}),
            expected);
}

TEST_F(Watchdog, AFailedWriteLosesNothing) {
  for (const std::string fault :
       {"fail write=3 path=shard-000 error=ENOSPC", "fail sync=1 path=shard-000",
        "fail rename=1 path=epoch-000002", "fail write=1 path=metrics", "fill bytes=300000"}) {
    std::filesystem::remove_all(directory_ / "run");
    const ProgramResult result = with_fault(3, fault);
    EXPECT_EQ(result.exit_code, 5) << fault << result.err;
    EXPECT_NE(result.err.find("factorps: fault on rank "), std::string::npos) << result.err;
    EXPECT_EQ(hash(2, "run", {}, {"--resume", "auto"}), hash(0, "whole", {}, {"--overwrite"}));
  }
}

TEST_F(Watchdog, ADamagedCheckpointIsNotTaken) {
  const ProgramResult result = with_fault(
      0,
      "truncate path=epoch-000006/shard-000.h5; truncate path=epoch-000005/shard-000.h5 bytes=99",
      {"checkpoint.keep=9"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const ProgramResult resumed = factorps(train("run", {}, {"--resume", "auto"}));
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_NE(resumed.err.find("epoch-000006"), std::string::npos) << resumed.err;
  EXPECT_NE(resumed.err.find("epoch-000005"), std::string::npos) << resumed.err;
  EXPECT_EQ(nlohmann::json::parse(resumed.out)["model_sha256"], hash(0, "whole"));
}

}  // namespace
}  // namespace factorps::test

/// Training end to end: the same bits on every layout, before and after an interruption.
#include <cmath>
#include <csignal>

#include <gtest/gtest.h>

#include "tests/e2e/training_fixture.hpp"

namespace factorps::test {
namespace {

using nlohmann::json;

TEST_F(Training, EndsWithAModelThatEvaluatesAsItsSummarySays) {
  const json summary = trained(3, "run");
  const ProgramResult evaluated =
      factorps({"evaluate", directory_ / "run/model.h5", directory_ / "dataset.h5", "--json"});
  ASSERT_EQ(evaluated.exit_code, 0) << evaluated.err;
  const json errors = json::parse(evaluated.out);
  // The kernel's float sums of 16 products and 3 terms below 8: 19 x 2^-24 x 8 for each error.
  for (const char* key : {"rmse", "mae", "rmse_unclipped", "mae_unclipped"}) {
    EXPECT_NEAR(errors[key], summary["test"][key], 19 * 0x1p-24 * 8) << key;
  }
  EXPECT_EQ(summary["ranks"], 3);
  EXPECT_EQ(summary["epochs"], 6);
  EXPECT_EQ(summary["updates"], 6 * summary["dataset"]["train"].get<std::uint64_t>());
  EXPECT_GT(summary["updates_per_cpu_second"], 0);
  EXPECT_GT(summary["peak_memory_bytes"], 0);
  EXPECT_EQ(summary, json::parse(read_text(directory_ / "run/summary.json")));
  EXPECT_EQ(epochs_of("run"), 6U);
}

TEST_F(Training, ComputesTheSameBitsWithoutALauncherOnAnyNumberOfWorkers) {
  for (const std::string set : {"auto", "avx2", "sse4", "reference"}) {
    const auto of = [&](const std::string& workers) {
      return factorps(
          train("run", {"cluster.workers=" + workers, "cluster.instruction_set=" + set}));
    };
    const ProgramResult one = of("1");
    if (one.exit_code == 2) continue;  // this CPU does not have it
    ASSERT_EQ(one.exit_code, 0) << one.err;
    const auto expected = json::parse(one.out)["model_sha256"];
    for (const char* workers : {"2", "3"}) {
      EXPECT_EQ(json::parse(of(workers).out)["model_sha256"], expected) << set << ' ' << workers;
    }
  }
}

TEST_F(Training, ComputesTheSameBitsOnAnyNumberOfRanks) {
  const std::string expected = hash(0, "alone");
  struct Layout {
    int ranks;
    const char* servers;
    const char* node_size;
  };
  for (const auto& [ranks, servers, node_size] :
       {Layout{1, "1", "0"}, Layout{2, "1", "0"}, Layout{3, "1", "0"}, Layout{4, "2", "0"},
        Layout{4, "1", "2"}, Layout{6, "3", "0"}, Layout{6, "2", "3"}, Layout{3, "1", "1"},
        Layout{8, "1", "2"}, Layout{6, "4", "3"}}) {
    EXPECT_EQ(hash(ranks, "job",
                   {std::string{"cluster.servers="} + servers,
                    std::string{"cluster.node_size="} + node_size}),
              expected)
        << ranks << " ranks, " << servers << " servers, nodes of " << node_size;
  }
}

constexpr const char* kForever = "train.epochs=1000000";

TEST_F(Training, StopsWithACheckpointWhenSignalled) {
  for (const int ranks : {0, 3}) {
    const std::string run = "stopped" + std::to_string(ranks);
    Program program{command_of(ranks, train(run, {kForever}))};
    ASSERT_TRUE(reaches_epoch(program, run, 2));
    program.signal(SIGUSR1);
    const ProgramResult result = program.wait();
    ASSERT_EQ(result.exit_code, 75) << result.err;
    const std::string epochs = "train.epochs=" + std::to_string(epochs_of(run) + 2);
    const std::string expected = hash(0, "whole", {epochs});
    EXPECT_EQ(hash(3 - ranks, run, {epochs}, {"--resume", "auto"}), expected);
  }
}

/// The number of nodes decides where rows are rounded, wherever and how often it pauses.
TEST_F(Training, PausesWithinEpochsWhereRowsAreRoundedOnTheWire) {
  const Settings often{"cluster.wire=bf16", "checkpoint.every_epochs=0",
                       "checkpoint.every_minutes=0.000001", "checkpoint.background=false",
                       "evaluate.keep=last"};
  const auto on_nodes_of = [](const char* ranks, Settings settings) {
    settings.push_back(std::string{"cluster.node_size="} + ranks);
    return settings;
  };
  const std::string expected = hash(6, "whole", on_nodes_of("3", {"cluster.wire=bf16"}));
  EXPECT_NE(hash(0, "alone"), expected);
  EXPECT_EQ(hash(6, "often", on_nodes_of("3", often)), expected);
  std::string latest;  // now and then it is one between epochs
  for (int tries = 0; tries < 20 && latest.find("-step-") == std::string::npos; ++tries) {
    const ProgramResult killed =
        run_program(command_of(4, train("killed", on_nodes_of("2", often), {"--overwrite"})),
                    {{}, {"FACTORPS_FAULTS=kill rank=0 checkpoint=prune nth=2"}});
    EXPECT_NE(killed.exit_code, 0);
    EXPECT_TRUE(no_process_is_left());
    latest = std::filesystem::read_symlink(directory_ / "killed/checkpoints/latest");
  }
  EXPECT_NE(latest.find("-step-"), std::string::npos) << latest;
  EXPECT_EQ(hash(6, "killed", on_nodes_of("3", often), {"--resume", "auto"}), expected);
}

/// The shell that runs the tests may ignore Ctrl-C.
std::vector<std::string> with_ctrl_c(std::vector<std::string> command) {
  command.insert(command.begin(), {"env", "--default-signal=INT"});
  return command;
}

TEST_F(Training, StopsWithACheckpointAtCtrlC) {
  Program program{with_ctrl_c(command_of(0, train("run", {kForever})))};
  ASSERT_TRUE(reaches_epoch(program, "run", 2));
  program.signal(SIGINT);
  const ProgramResult result = program.wait();
  ASSERT_EQ(result.exit_code, 75) << result.err;
  const std::string epochs = "train.epochs=" + std::to_string(epochs_of("run") + 2);
  EXPECT_EQ(hash(0, "run", {epochs}, {"--resume", "auto"}), hash(0, "whole", {epochs}));
}

TEST_F(Training, EndsAtOnceAtASecondCtrlC) {
  // The epochs are long: the next signal comes before the end of the one that met the first.
  Program program{with_ctrl_c(
      command_of(0, train("run", {kForever, "model.dim=8192", "cluster.instruction_set=reference",
                                  "checkpoint.every_epochs=0", "evaluate.keep=last"})))};
  ASSERT_TRUE(reaches_epoch(program, "run", 1));
  while (program.running()) program.signal(SIGINT);
  EXPECT_EQ(program.wait().exit_code, 128 + SIGINT);
}

TEST_F(Training, ComputesTheSameBitsAfterAKill) {
  for (const int ranks : {0, 4}) {
    const std::string run = "killed" + std::to_string(ranks);
    Program program{command_of(ranks, train(run, {kForever}))};
    ASSERT_TRUE(reaches_epoch(program, run, 3));
    for (const auto& [pid, rank] : processes()) {
      if (ranks == 0 || rank >= 0) ::kill(pid, SIGKILL);
    }
    EXPECT_NE(program.wait().exit_code, 0);
    ASSERT_TRUE(no_process_is_left());
    const std::string epochs = "train.epochs=" + std::to_string(epochs_of(run) + 2);
    const std::string expected = hash(0, "whole", {epochs});
    EXPECT_EQ(hash(4 - ranks, run, {epochs, "cluster.servers=1"}, {"--resume", "auto"}), expected);
  }
}

TEST_F(Training, StartsWhereThereIsNothingToResume) {
  EXPECT_EQ(hash(0, "run", {}, {"--resume", "auto"}), hash(0, "other"));
}

TEST_F(Training, RefusesAnUnfinishedRunUnlessTold) {
  ASSERT_EQ(factorps(train("run", {"train.time_limit_minutes=0.0000001"})).exit_code, 75);
  const ProgramResult refused = factorps(train("run"));
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_NE(refused.err.find("holds an unfinished training; --resume auto continues it, "
                             "--overwrite discards it"),
            std::string::npos)
      << refused.err;
  EXPECT_EQ(hash(0, "run", {}, {"--overwrite"}), hash(0, "other"));
  EXPECT_EQ(factorps(train("run")).exit_code, 0);  // finished: may be trained again
}

TEST_F(Training, PassesOverADamagedCheckpoint) {
  const std::string expected = hash(0, "run");
  const auto shard = directory_ / "run/checkpoints/epoch-000006/shard-000.h5";
  std::filesystem::resize_file(shard, std::filesystem::file_size(shard) - 1);
  const ProgramResult result = factorps(train("run", {}, {"--resume", "auto"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.err.find("warning: passing over a damaged checkpoint: " + shard.string()),
            std::string::npos)
      << result.err;
  EXPECT_EQ(json::parse(result.out)["model_sha256"], expected);
  std::filesystem::resize_file(shard, 10);
  const ProgramResult named =
      factorps(train("run", {}, {"--resume", shard.parent_path().string()}));
  EXPECT_EQ(named.exit_code, 4) << named.err;
  EXPECT_NE(named.err.find(shard), std::string::npos) << named.err;
}

TEST_F(Training, KeepsCheckpointsOfWhichNoneCanBeUsed) {
  ASSERT_EQ(factorps(train("run")).exit_code, 0);
  const auto checkpoints = directory_ / "run/checkpoints";
  for (const auto& entry : std::filesystem::directory_iterator{checkpoints}) {
    std::filesystem::resize_file(entry.path() / "shard-000.h5", 10);
  }
  const ProgramResult refused = factorps(train("run", {}, {"--resume", "auto"}));
  EXPECT_EQ(refused.exit_code, 4) << refused.err;
  EXPECT_NE(refused.err.find("no checkpoint can be used"), std::string::npos) << refused.err;
  EXPECT_FALSE(std::filesystem::is_empty(checkpoints));
  EXPECT_EQ(factorps(train("run", {}, {"--resume", "auto", "--overwrite"})).exit_code, 0);
}

TEST_F(Training, DiscardsAnEarlierTrainingForACheckpointOfAnotherRun) {
  ASSERT_EQ(factorps(train("from", {"train.epochs=2"})).exit_code, 0);
  const std::string checkpoint = directory_ / "from/checkpoints/epoch-000002";
  const Settings other{"train.seed=7", "train.epochs=20"};
  ASSERT_EQ(factorps(train("run", other)).exit_code, 0);
  EXPECT_EQ(hash(0, "run", {}, {"--resume", checkpoint}), hash(0, "whole"));
  EXPECT_EQ(epochs_of("run"), 4U);  // 3 to 6
  EXPECT_TRUE(std::filesystem::exists(directory_ / "run/checkpoints/epoch-000006"));
  EXPECT_FALSE(std::filesystem::exists(directory_ / "run/checkpoints/epoch-000020"));

  ASSERT_EQ(factorps(train("half", {"train.time_limit_minutes=0.0000001"})).exit_code, 75);
  const ProgramResult refused = factorps(train("half", {}, {"--resume", checkpoint}));
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_NE(refused.err.find("holds an unfinished training"), std::string::npos) << refused.err;
  EXPECT_EQ(factorps(train("half", {}, {"--resume", checkpoint, "--overwrite"})).exit_code, 0);
}

TEST_F(Training, NamesAPathThatIsNoCheckpoint) {
  const ProgramResult result = factorps(train("run", {}, {"--resume", "rb"}));
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_EQ(result.err,
            "factorps: error: rb: no checkpoint, expected a directory with manifest.json\n");
}

TEST_F(Training, GoesBackToANamedCheckpointOfItsOwn) {
  ASSERT_EQ(factorps(train("run", {"checkpoint.keep=10"})).exit_code, 0);
  const std::string checkpoint = directory_ / "run/checkpoints/epoch-000002/";
  EXPECT_EQ(hash(0, "run", {"checkpoint.keep=10"}, {"--resume", checkpoint}), hash(0, "whole"));
  EXPECT_EQ(epochs_of("run"), 6U);
}

TEST_F(Training, RefusesToResumeWithAnotherConfigurationOrOtherData) {
  ASSERT_EQ(factorps(train("run", {"train.epochs=2"})).exit_code, 0);
  const ProgramResult config = factorps(train("run", {"train.l2=0.5"}, {"--resume", "auto"}));
  EXPECT_EQ(config.exit_code, 4);
  EXPECT_NE(config.err.find("checkpoint: train.l2 = 0.03; now: train.l2 = 0.5"), std::string::npos)
      << config.err;
  ASSERT_EQ(factorps({"prepare", config_, "--set", "split.seed=9"}).exit_code, 0);
  const ProgramResult data = factorps(train("run", {}, {"--resume", "auto"}));
  EXPECT_EQ(data.exit_code, 4);
  EXPECT_NE(data.err.find("was trained on other data"), std::string::npos) << data.err;
}

}  // namespace
}  // namespace factorps::test

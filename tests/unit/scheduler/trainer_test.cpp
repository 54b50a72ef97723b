/// Training by SGD, on any layout and from any checkpoint.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/faults.hpp"
#include "eval/metrics.hpp"
#include "io/model_file.hpp"
#include "tests/unit/scheduler/trainer_fixture.hpp"

namespace factorps::scheduler {
namespace {

TEST_F(TrainerOf, TrainsTheSameModelOnAnyNodes) {
  config_.train.epochs = 2;
  const std::string expected = hash_of(train("one", {1, 1}));
  for (const NodeSizes& sizes :
       {NodeSizes{1, 1}, {2, 2}, {3, 2}, {1, 1, 1}, {2, 3, 2}, {2, 1, 3, 2}, {5, 5, 5, 5}}) {
    for (const std::uint32_t in_flight : {1U, 3U}) {
      for (const std::uint32_t delay : {0U, 7U}) {
        LocalJob job{dataset_, LocalJob::layout_of(sizes), in_flight, delay};
        EXPECT_EQ(hash_of(train("nodes", job, static_cast<int>(sizes.size()))), expected)
            << sizes.size() << " nodes, " << in_flight << " in flight, delay " << delay;
      }
    }
  }
}

TEST_F(TrainerOf, ResumesOnOtherNodes) {
  const std::string expected = hash_of(train("whole", {1, 1}));
  LocalJob before{dataset_, LocalJob::layout_of({2, 2, 2})};
  EXPECT_EQ(train("moved", before, 3, std::nullopt, 3).exit_code, ExitCode::stopped_early);
  LocalJob after{dataset_, LocalJob::layout_of({1, 3})};
  EXPECT_EQ(hash_of(train("moved", after, 2, newest("moved"))), expected);
}

TEST_F(TrainerOf, GoesOnWithStripsOnOtherNodes) {
  const json whole = summary_of(train("whole", {1, 1}));
  RunDirectory directory{directory_ / "moved"};
  const JobFacts facts{1, 1, 1, 3, "test", "{}"};
  ProgressDisplay display{stderr, ProgressDisplay::Mode::silent, false, 6, 1};
  ps::JobLayout layout = LocalJob::layout_of({2, 3, 2});
  std::optional<LocalJob> job{std::in_place, dataset_, layout};
  Trainer trainer{config_,
                  dataset_,
                  facts,
                  job->cluster(),
                  directory,
                  display,
                  [](double) { return std::string{}; }};
  trainer.ask_after_epochs([&, epoch = 0](std::span<const comm::WorkerDone> workers) mutable {
    EXPECT_EQ(workers.size(), 4U);
    return ++epoch % 2 == 0 ? "strips move" : "";
  });
  TrainingResult result = trainer.run(std::nullopt);
  const std::vector<std::vector<std::uint64_t>> speeds{{1, 1, 4}, {4, 1, 1}};
  for (const auto& speed_of_node : speeds) {
    EXPECT_TRUE(result.goes_on);
    layout.speed_of_node = speed_of_node;
    job.emplace(dataset_, layout);
    result = trainer.go_on(job->cluster());
  }
  EXPECT_FALSE(result.goes_on);
  EXPECT_EQ(hash_of(result), whole["model_sha256"]);
  EXPECT_EQ(summary_of(result)["updates"], whole["updates"]);
  EXPECT_EQ(metrics_of("moved").size(), 6U);
  // Each of three clusters had its share of the messages.
  const auto lines = metrics_of("moved");
  for (std::size_t n = 1; n < lines.size(); ++n) {
    EXPECT_GT(lines[n]["message_bytes_total"], lines[n - 1]["message_bytes_total"]);
  }
}

TEST_F(TrainerOf, RoundsOnTheWireAlikeForTheSameNumberOfNodes) {
  const auto with_bf16 = [&](const NodeSizes& sizes, const std::string& run) {
    LocalJob job{dataset_, LocalJob::layout_of(sizes), 2, 0, ps::WireFormat::bf16};
    return train(run, job, static_cast<int>(sizes.size()));
  };
  const std::string exact = hash_of(train("exact", {1, 1}));
  const TrainingResult rounded = with_bf16({1, 1, 1}, "small");
  EXPECT_NE(hash_of(rounded), exact);
  EXPECT_EQ(hash_of(with_bf16({3, 2, 4}, "large")), hash_of(rounded));
  // A rounding moves a factor by at most 2^-9 of itself; ratings are at most 5, and each of 6
  // epochs rounds three times.
  const double rmse = summary_of(rounded)["validation"]["rmse"];
  EXPECT_NEAR(rmse, metrics_of("exact").back()["validation"]["rmse"].get<double>(),
              5 * 6 * 3 * 0x1p-9);
  const auto row = 16 * sizeof(std::uint16_t) + sizeof(RowState);
  EXPECT_EQ(metrics_of("small").front()["block_bytes"]["train"],
            3 * (dataset_.grid().items() * row + 16 * dataset_.grid().blocks()));
}

TEST_F(TrainerOf, LooksAtTheModelWithoutRoundingIt) {
  const auto looking_every = [&](std::int64_t epochs, const std::string& run) {
    config_.evaluate.every = epochs;
    config_.evaluate.keep = "last";
    LocalJob job{dataset_, LocalJob::layout_of({2, 2}), 2, 0, ps::WireFormat::bf16};
    return hash_of(train(run, job, 2));
  };
  EXPECT_EQ(looking_every(1, "often"), looking_every(3, "seldom"));
}

TEST_F(TrainerOf, CountsTheBytesThatCrossBetweenNodes) {
  config_.train.epochs = 1;
  LocalJob job{dataset_, LocalJob::layout_of({2, 2, 2})};
  static_cast<void>(train("counted", job, 3));
  const auto row = 16 * sizeof(float) + sizeof(RowState);  // 8 factors, padded
  const std::uint64_t expected =
      3 * (dataset_.grid().items() * row + 16 * dataset_.grid().blocks());
  const json line = metrics_of("counted").front();
  EXPECT_EQ(line["block_bytes"]["train"], expected);
  EXPECT_EQ(line["block_bytes"]["evaluate"], expected);
  EXPECT_EQ(line["block_moves"], 3 * dataset_.grid().blocks());
}

/// Many items have interactions on one node only, or none at all in training.
class TrainerOfRareItems : public TrainerOf {
 protected:
  TrainerOfRareItems() {
    const test::SyntheticShape shape{60, 240, 6, 7, 7, 1};
    dataset_ = Dataset{test::write_synthetic(directory_ / "rare.h5", shape)};
  }
  TrainingResult train_on(const NodeSizes& sizes, const std::string& run, ps::LeaseMode lease,
                          ps::WireFormat wire = ps::WireFormat::fp32,
                          const std::optional<ResumePoint>& resume = std::nullopt,
                          std::uint64_t epochs = 1000) {
    LocalJob job{dataset_, LocalJob::layout_of(sizes), 2, 1, wire, lease};
    return train(run, job, static_cast<int>(sizes.size()), resume, epochs);
  }
  std::uint64_t bytes_of(const std::string& run) const {
    return metrics_of(run).front()["block_bytes"]["train"];
  }
};

TEST_F(TrainerOfRareItems, LeavesRowsBehindWithoutChangingTheModel) {
  const std::string expected = hash_of(train("one", {1, 1}));
  for (const NodeSizes& sizes : {NodeSizes{1, 1}, {1, 2, 1}, {5, 2, 3, 2}}) {
    EXPECT_EQ(hash_of(train_on(sizes, "dense", ps::LeaseMode::dense)), expected);
    EXPECT_EQ(hash_of(train_on(sizes, "sparse", ps::LeaseMode::sparse)), expected);
    EXPECT_EQ(hash_of(train_on(sizes, "auto", ps::LeaseMode::automatic)), expected);
    EXPECT_LT(bytes_of("sparse"), bytes_of("dense") * 3 / 4) << sizes.size() << " nodes";
    EXPECT_EQ(bytes_of("auto"), bytes_of("sparse"));
  }
}

TEST_F(TrainerOfRareItems, ResumesWithOtherNodesAndLeases) {
  const std::string expected = hash_of(train("whole", {1, 1}));
  const auto stopped =
      train_on({1, 1, 1, 1}, "run", ps::LeaseMode::sparse, ps::WireFormat::fp32, std::nullopt, 2);
  EXPECT_EQ(stopped.exit_code, ExitCode::stopped_early);
  const auto again =
      train_on({2, 1}, "run", ps::LeaseMode::sparse, ps::WireFormat::fp32, newest("run"), 2);
  EXPECT_EQ(again.exit_code, ExitCode::stopped_early);
  EXPECT_EQ(hash_of(train("run", {1, 2}, newest("run"))), expected);
}

TEST_F(TrainerOfRareItems, RoundsOnlyRowsThatTravel) {
  const auto with_bf16 = [&](const NodeSizes& sizes, const std::string& run, std::uint64_t stop,
                             const std::optional<ResumePoint>& resume = std::nullopt) {
    return train_on(sizes, run, ps::LeaseMode::sparse, ps::WireFormat::bf16, resume, stop);
  };
  const std::string whole = hash_of(with_bf16({1, 1, 1}, "whole", 1000));
  EXPECT_NE(whole, hash_of(train("exact", {1, 1})));
  EXPECT_EQ(hash_of(with_bf16({4, 2, 3}, "large", 1000)), whole);
  with_bf16({1, 1, 1}, "stopped", 3);
  EXPECT_EQ(hash_of(with_bf16({2, 1, 1}, "stopped", 1000, newest("stopped"))), whole);
}

TEST_F(TrainerOf, TrainsTheSameModelOnAnyNumberOfWorkersAndServers) {
  config_.checkpoint.every_epochs = 0;
  config_.evaluate.keep = "last";
  const std::string expected = hash_of(train("one", {1, 1}));
  for (int servers = 1; servers <= 3; ++servers) {
    for (int workers = 1; workers <= 5; ++workers) {
      EXPECT_EQ(hash_of(train("other", {servers, workers})), expected)
          << servers << " servers, " << workers << " workers";
    }
  }
}

TEST_F(TrainerOf, LearnsSomething) {
  const json summary = summary_of(train("run", {1, 1}));
  const auto lines = metrics_of("run");
  ASSERT_EQ(lines.size(), 6U);
  EXPECT_LT(lines.back()["train_rmse"], 0.9 * lines.front()["train_rmse"].get<double>());
  EXPECT_GT(summary["test"]["rmse"], 0);
}

TEST_F(TrainerOf, WritesAModelThatAgreesWithItsSummary) {
  const json summary = summary_of(train("run", {2, 2}));
  EXPECT_EQ(json::parse(test::read_text(directory_ / "run/summary.json")), summary);
  const Model model{directory_ / "run/model.h5"};
  model.verify();
  EXPECT_EQ(model.sha256(), summary["model_sha256"]);
  eval::ErrorSums sums;
  const Grid& grid = dataset_.grid();
  for (std::uint32_t s = 0; s < grid.strips(); ++s) {
    for (std::uint32_t b = 0; b < grid.blocks(); ++b) {
      const CellView cell = dataset_.cell(Part::test, StripId{s}, BlockId{b});
      std::size_t n = 0;
      for (const factorps::Run& run : cell.runs) {
        for (const std::size_t end = n + run.count; n < end; ++n) {
          sums.add(model.predict(grid.users_of(StripId{s}).begin + run.user,
                                 grid.items_of(BlockId{b}).begin + cell.items[n], false),
                   cell.value(n), 1, 5, eval::Cold::none);
        }
      }
    }
  }
  EXPECT_EQ(summary["test"]["interactions"], sums.count);
  // The kernel's float sums of 8 products and 3 more terms below 8 in size: 11 x 2^-24 x 8 each.
  EXPECT_NEAR(summary["test"]["rmse_unclipped"], sums.rmse(), 11 * 0x1p-24 * 8);
  EXPECT_NEAR(summary["test"]["mae_clipped"], sums.mae_clipped(), 11 * 0x1p-24 * 8);
}

TEST_F(TrainerOf, GoesOnFromAnyEpochOnAnotherLayoutWithTheSameBits) {
  config_.train.schedule = "bold_driver";
  const std::string expected = hash_of(train("whole", {1, 1}));
  for (std::uint64_t epochs = 1; epochs < 6; ++epochs) {
    const std::string run = "stopped" + std::to_string(epochs);
    EXPECT_EQ(train(run, {2, 3}, std::nullopt, epochs).exit_code, ExitCode::stopped_early);
    const auto point = newest(run);
    ASSERT_TRUE(point);
    EXPECT_EQ(point->manifest.epoch, epochs);
    EXPECT_EQ(hash_of(train(run, {1, 2}, point)), expected) << epochs;
    EXPECT_EQ(metrics_of(run).size(), 6U);
  }
}

TEST_F(TrainerOf, LeavesNoCheckpointWithoutItsLineOfMetrics) {
  std::filesystem::create_directories(directory_ / "run/metrics.jsonl");  // cannot be written to
  EXPECT_THROW(static_cast<void>(train("run", {1, 1})), ResourceError);
  EXPECT_FALSE(newest("run"));
}

TEST_F(TrainerOf, TrainsAFinishedRunFurther) {
  const std::string expected = hash_of(train("whole", {1, 1}));
  config_.train.epochs = 3;
  train("short", {1, 1});
  config_.train.epochs = 6;
  EXPECT_EQ(hash_of(train("short", {1, 1}, newest("short"))), expected);
}

TEST_F(TrainerOf, TrainsFurtherAsIfTheLastEpochHadNotBeenEvaluatedOutOfTurn) {
  config_.evaluate.every = 4;
  config_.evaluate.keep = "last";
  config_.train.schedule = "plateau";
  config_.train.decay = 0.5;
  config_.train.min_delta = 100;  // nothing improves on the first evaluation
  config_.train.patience = 3;
  config_.train.epochs = 12;
  const json whole = summary_of(train("whole", {1, 1}));
  for (const int epochs : {2, 6}) {  // before the first evaluation that is due, and after it
    const std::string run = "short" + std::to_string(epochs);
    config_.train.epochs = epochs;
    train(run, {1, 1});
    config_.train.epochs = 12;
    const json further = summary_of(train(run, {1, 1}, newest(run)));
    EXPECT_EQ(further["model_sha256"], whole["model_sha256"]) << epochs;
    EXPECT_EQ(further["epochs"], whole["epochs"]) << epochs;
  }
}

TEST_F(TrainerOf, KeepsALastEpochThatIsTheBestOutOfTurn) {
  config_.evaluate.every = 4;
  config_.train.min_delta = -100;  // everything improves
  EXPECT_EQ(summary_of(train("run", {1, 1}))["model_epoch"], 6);
  EXPECT_EQ(metrics_of("run").back()["best"], true);
  EXPECT_EQ(newest("run")->manifest.epoch, 6U);
  EXPECT_EQ(summary_of(train("run", {1, 1}, newest("run")))["model_epoch"], 6);
  config_.train.min_delta = 100;  // nothing does
  EXPECT_EQ(summary_of(train("kept", {1, 1}))["model_epoch"], 4);
}

TEST_F(TrainerOf, StopsBeforeTheFirstEpochWithACheckpoint) {
  EXPECT_EQ(train("run", {1, 1}, std::nullopt, 0).exit_code, ExitCode::stopped_early);
  EXPECT_EQ(newest("run")->manifest.epoch, 0U);
}

TEST_F(TrainerOf, TellsHowLongWhatIsNotInterruptedMayTake) {
  train("run", {1, 1});
  ASSERT_GE(epoch_seconds_.size(), 6U);
  EXPECT_EQ(epoch_seconds_.front(), 0);  // nobody knows yet
  EXPECT_GT(epoch_seconds_[1], 0);
  EXPECT_TRUE(std::ranges::is_sorted(epoch_seconds_));  // the longest so far
}

TEST_F(TrainerOf, StopsAtTheTimeLimitWithACheckpoint) {
  config_.train.time_limit_minutes = 1e-9;
  EXPECT_EQ(train("run", {1, 1}).exit_code, ExitCode::stopped_early);
  EXPECT_TRUE(newest("run"));
}

TEST_F(TrainerOf, StopsEarlyAndKeepsTheBestEpoch) {
  config_.train.epochs = 100;
  config_.train.patience = 2;
  const json summary = summary_of(train("run", {1, 2}));
  const auto lines = metrics_of("run");
  EXPECT_LT(lines.size(), 100U);
  EXPECT_EQ(summary["epochs"], lines.size());
  EXPECT_EQ(summary["model_epoch"], lines.size() - 2);
  for (const auto& line : lines) {
    EXPECT_GE(line["validation"]["rmse"], summary["validation"]["rmse"]);
  }
  // The model of the best epoch is the one that a training of so many epochs ends with.
  config_.train.epochs = summary["model_epoch"];
  EXPECT_EQ(hash_of(train("best", {1, 1})), summary["model_sha256"]);
}

TEST_F(TrainerOf, KeepsTheLastEpochWhenAsked) {
  config_.train.epochs = 30;
  config_.evaluate.keep = "last";
  const json summary = summary_of(train("run", {1, 1}));
  EXPECT_EQ(summary["model_epoch"], 30);
}

TEST_F(TrainerOf, FindsTheBestEpochOfTheRunItCameFrom) {
  config_.train.epochs = 100;
  config_.train.patience = 3;
  const json whole = summary_of(train("whole", {1, 1}));
  const std::uint64_t best = whole["model_epoch"];
  train("first", {1, 1}, std::nullopt, best + 1);
  const auto point = newest("first");
  ASSERT_EQ(point->manifest.epoch, best + 1);
  EXPECT_EQ(hash_of(train("second", {1, 1}, point)), whole["model_sha256"]);
}

TEST_F(TrainerOf, KeepsCheckpointsAsConfigured) {
  config_.checkpoint.every_epochs = 2;
  config_.checkpoint.keep = 1;
  config_.evaluate.keep = "last";
  train("run", {1, 1});
  const RunDirectory run{directory_ / "run"};
  ASSERT_FALSE(run.checkpoints().list().empty());
  EXPECT_EQ(run.checkpoints().list().front(), run.checkpoints().path_of(6));
  config_.checkpoint.every_epochs = 0;
  train("none", {1, 1});
  EXPECT_TRUE(RunDirectory{directory_ / "none"}.checkpoints().list().empty());
}

TEST_F(TrainerOf, EvaluatesWhenDueAndAtTheEnd) {
  config_.evaluate.every = 4;
  train("run", {1, 1});
  std::vector<bool> evaluated;
  for (const auto& line : metrics_of("run")) evaluated.push_back(line.contains("validation"));
  EXPECT_EQ(evaluated, (std::vector<bool>{false, false, false, true, false, true}));
}

TEST_F(TrainerOf, EndsADivergedTrainingAndLeavesTheLastCheckpoint) {
  config_.train.schedule = "inverse_time";
  config_.train.decay = -0.999999;  // epoch 2 is a million times too fast
  try {
    train("run", {1, 1});
    ADD_FAILURE() << "did not diverge";
  } catch (const DataError& error) {
    EXPECT_NE(std::string{error.what()}.find(": the loss is not finite; lower "), std::string::npos)
        << error.what();
  }
  const auto point = newest("run");
  ASSERT_TRUE(point);
  EXPECT_TRUE(notes_.empty());
}

TEST_F(TrainerOf, PassesOverDamagedCheckpointsWithANote) {
  train("run", {1, 1}, std::nullopt, 4);
  const RunDirectory run{directory_ / "run"};
  const auto newest_path = run.checkpoints().path_of(4);
  std::filesystem::resize_file(newest_path / "shard-000.h5", 100);
  const auto point = newest("run");
  ASSERT_TRUE(point);
  EXPECT_EQ(point->manifest.epoch, 3U);
  ASSERT_EQ(notes_.size(), 1U);
  EXPECT_NE(notes_[0].find(newest_path / "shard-000.h5: has 100 bytes"), std::string::npos)
      << notes_[0];
  EXPECT_THROW(static_cast<void>(check_resume_point(newest_path, config_, dataset_)),
               CheckpointError);
}

/// Flips a bit of the last number of every file of a checkpoint.
void damage(const std::filesystem::path& checkpoint) {
  for (const CheckpointFile& file : read_manifest(checkpoint).files) {
    const CheckpointDataset& data = file.datasets.back();
    std::string bytes = test::read_text(checkpoint / file.name);
    char& byte = bytes.at(data.offset + data.bytes - 1);
    byte = static_cast<char>(byte ^ 1);
    std::ofstream{checkpoint / file.name, std::ios::binary} << bytes;
  }
}

TEST_F(TrainerOf, FallsBackToAnOlderCheckpointIfTheServersFindDamage) {
  const std::string expected = hash_of(train("whole", {1, 1}));
  train("run", {2, 1}, std::nullopt, 4);
  const RunDirectory run{directory_ / "run"};
  damage(run.checkpoints().path_of(4));
  const auto point = newest("run");
  ASSERT_TRUE(point);
  EXPECT_EQ(point->manifest.epoch, 4U);  // sizes are as they should be
  EXPECT_TRUE(notes_.empty());
  EXPECT_EQ(hash_of(train("run", {1, 1}, point)), expected);
  const std::string log = test::read_text(directory_ / "run/log.txt");
  EXPECT_NE(log.find("passing over a damaged checkpoint: " +
                     (run.checkpoints().path_of(4) / "shard-00").string()),
            std::string::npos)
      << log;
  EXPECT_NE(log.find("resumed after epoch 3 from "), std::string::npos) << log;
}

TEST_F(TrainerOf, StartsAnewOnlyIfToldWhenNoCheckpointIsWhole) {
  const std::string expected = hash_of(train("whole", {1, 1}));
  train("run", {1, 1}, std::nullopt, 2);
  const RunDirectory run{directory_ / "run"};
  for (const std::uint64_t epoch : {1U, 2U}) damage(run.checkpoints().path_of(epoch));
  auto point = newest("run");
  ASSERT_TRUE(point);
  EXPECT_THROW(train("run", {1, 1}, point), CheckpointError);
  EXPECT_EQ(run.checkpoints().list().size(), 2U);
  point->or_anew = true;
  EXPECT_EQ(hash_of(train("run", {1, 1}, point)), expected);
}

TEST_F(TrainerOf, GoesOnWithAConfigurationThatHasGotMoreKeys) {
  train("run", {1, 1}, std::nullopt, 2);
  auto point = *newest("run");
  const auto without = [](std::string text, const std::string& line) {
    const std::size_t at = text.find(line);
    EXPECT_NE(at, std::string::npos) << text;
    return at == std::string::npos ? text : text.erase(at, line.size());
  };
  const auto recommit = [&](const std::string& identity) {
    CheckpointManifest manifest = point.manifest;
    manifest.identity = identity;
    const CheckpointStore store{point.checkpoint.parent_path()};
    const auto temporary = store.begin(manifest.epoch);
    std::filesystem::copy_file(point.checkpoint / "shard-000.h5", temporary / "shard-000.h5");
    store.commit(temporary, manifest);
  };
  // As if the key had not been there yet: what it is by default is what was done.
  recommit(without(point.manifest.identity, "train.huber_delta = 1\n"));
  EXPECT_TRUE(newest("run"));
  config_.train.huber_delta = 2;
  EXPECT_THROW(static_cast<void>(newest("run")), CheckpointError);
}

/// Trains in RUN until the scheduler has asked so often whether it should stop.
class PausingTrainer : public TrainerOf {
 protected:
  TrainingResult train_until(const std::string& run, const NodeSizes& nodes, std::uint64_t asks) {
    LocalJob job{dataset_, LocalJob::layout_of(nodes), 2, 1, wire_, lease_};
    RunDirectory directory{directory_ / run};
    const JobFacts facts{1, 1, 1, static_cast<int>(nodes.size()), "test", "{}"};
    ProgressDisplay display{stderr, ProgressDisplay::Mode::silent, false, 6, 1};
    std::uint64_t asked = 0;
    Trainer trainer{config_, dataset_, facts, job.cluster(), directory, display, [&](double) {
                      return std::string{++asked >= asks ? "asked to stop" : ""};
                    }};
    return trainer.run(newest(run));
  }
  /// Trains to the end in jobs that are asked to stop at some time, on the nodes in turn.
  /// @param within counts those that did so within an epoch
  TrainingResult train_in_pieces(const std::string& run, const std::vector<NodeSizes>& nodes,
                                 std::uint64_t asks, int& within) {
    TrainingResult result;
    for (std::size_t start = 0; start < 1000; ++start) {
      // Later starts are asked later, so that every one gets on.
      result = train_until(run, nodes[start % nodes.size()], asks + start * 7);
      if (result.exit_code == ExitCode::done) break;
      within += newest(run)->manifest.step > 0 ? 1 : 0;
    }
    return result;
  }
  /// Without the times.
  std::vector<std::pair<json, json>> losses_of(const std::string& run) const {
    std::vector<std::pair<json, json>> losses;
    for (const json& line : metrics_of(run)) {
      losses.emplace_back(line["train_rmse"], line["interactions"]);
    }
    return losses;
  }

  ps::WireFormat wire_ = ps::WireFormat::fp32;
  ps::LeaseMode lease_ = ps::LeaseMode::dense;
};

TEST_F(PausingTrainer, StopsWithinEpochsAndGoesOnWithTheSameBitsOnAnyLayout) {
  config_.train.schedule = "bold_driver";  // looks at the loss of whole epochs
  const std::string expected = hash_of(train("whole", {1, 1}));
  const auto losses = losses_of("whole");
  int within = 0;
  for (const std::uint64_t asks : {9U, 31U, 58U, 110U}) {
    const std::string run = "run" + std::to_string(asks);
    const TrainingResult result = train_in_pieces(run, {{2}, {2, 3, 2}, {3, 2}}, asks, within);
    EXPECT_EQ(hash_of(result), expected) << asks;
    EXPECT_EQ(losses_of(run), losses) << asks;
  }
  EXPECT_GT(within, 4);
}

/// The number of nodes decides where rows are rounded; where it pauses must not.
TEST_F(PausingTrainer, RoundsEveryCrossingOnceWhereverItPauses) {
  constexpr std::uint64_t kNever = 1'000'000;
  const std::string exact = hash_of(train_until("exact", {2, 2, 2}, kNever));
  wire_ = ps::WireFormat::bf16;
  for (const auto lease : {ps::LeaseMode::dense, ps::LeaseMode::sparse}) {
    lease_ = lease;
    const std::string name = lease == ps::LeaseMode::dense ? "dense" : "sparse";
    const std::string expected = hash_of(train_until(name, {2, 2, 2}, kNever));
    EXPECT_NE(expected, exact);
    int within = 0;
    for (const std::uint64_t asks : {5U, 23U, 58U}) {
      const std::string run = name + std::to_string(asks);
      const auto result = train_in_pieces(run, {{2, 3, 2}, {3, 2, 4}, {2, 2, 2}}, asks, within);
      EXPECT_EQ(hash_of(result), expected) << run;
      EXPECT_EQ(losses_of(run), losses_of(name)) << run;
    }
    EXPECT_GT(within, 4);
  }
}

TEST_F(PausingTrainer, SavesWhatIsNotRoundedYet) {
  wire_ = ps::WireFormat::bf16;
  const std::string expected = hash_of(train_until("whole", {2, 2}, 1'000'000));
  config_.checkpoint.background = false;
  config_.checkpoint.every_epochs = 0;
  config_.checkpoint.every_minutes = 1e-9;
  config_.checkpoint.keep = 100;
  EXPECT_EQ(hash_of(train_until("often", {3, 2}, 1'000'000)), expected);
  std::vector<ResumePoint> points = newest("often")->older;
  std::erase_if(points, [](const ResumePoint& point) { return point.manifest.step == 0; });
  ASSERT_GT(points.size(), 8U);
  config_.checkpoint.every_minutes = 0;
  for (const std::size_t n : {std::size_t{0}, points.size() / 2, points.size() - 1}) {
    LocalJob job{dataset_, LocalJob::layout_of({2, 3}), 2, 1, wire_};
    EXPECT_EQ(hash_of(train("again", job, 2, points[n])), expected) << points[n].checkpoint;
  }
}

TEST_F(PausingTrainer, SavesWithinEpochsByTimeAndTrainsTheSame) {
  config_.checkpoint.keep = 100;
  const std::string expected = hash_of(train("whole", {1, 1}));
  config_.checkpoint.every_epochs = 0;
  config_.checkpoint.every_minutes = 1e-9;
  for (const bool background : {true, false}) {
    config_.checkpoint.background = background;
    const std::string run = background ? "behind" : "waiting";
    // Late messages: workers may know of the next pass before a server knows what to copy.
    LocalJob job{dataset_,
                 LocalJob::layout_of({2, 3, 2}),
                 2,
                 0,
                 ps::WireFormat::fp32,
                 ps::LeaseMode::dense,
                 std::nullopt,
                 std::nullopt,
                 comm::MessageFaults{30, 1, {}}};
    EXPECT_EQ(hash_of(train(run, job, 3)), expected);
    EXPECT_EQ(losses_of(run), losses_of("whole"));
    const ResumePoint last = *newest(run);
    EXPECT_TRUE(notes_.empty());
    std::vector<ResumePoint> points = last.older;
    points.push_back(last);
    int within = 0;
    for (const ResumePoint& point : points) {
      if (point.manifest.step == 0 || within == 3) continue;
      ++within;
      EXPECT_EQ(hash_of(train("again", {2, 2}, point)), expected) << point.checkpoint;
    }
    EXPECT_GT(within, 0);
  }
}

TEST_F(TrainerOf, KeepsAsManyCheckpointsAsItIsTold) {
  config_.evaluate.every = 100;  // so that no epoch is the best
  for (const int keep : {1, 2, 4}) {
    config_.checkpoint.keep = keep;
    const std::string run = "run" + std::to_string(keep);
    train(run, {1, 1});
    EXPECT_EQ(newest(run)->manifest.epoch, 6U);
    EXPECT_EQ(newest(run)->older.size(), static_cast<std::size_t>(keep - 1));
  }
}

TEST_F(TrainerOf, SavesTheSameWhileItTrainsAndWhileItWaits) {
  config_.checkpoint.keep = 100;
  config_.checkpoint.keep_every = 1;
  const auto saved = [&](bool background) {
    config_.checkpoint.background = background;
    const std::string run = background ? "behind" : "waiting";
    LocalJob job{dataset_, LocalJob::layout_of({2, 3, 2}), 2,
                 3,        ps::WireFormat::fp32,           ps::LeaseMode::sparse};
    train(run, job, 3);
    std::vector<std::map<std::string, std::uint64_t>> checksums;
    for (std::uint64_t epoch = 1; epoch <= 6; ++epoch) {
      auto& of_epoch = checksums.emplace_back();
      const auto path = RunDirectory{directory_ / run}.checkpoints().path_of(epoch);
      for (const CheckpointFile& file : verify_checkpoint(path).files) {
        for (const CheckpointDataset& data : file.datasets) {
          of_epoch[file.name + data.name] = data.checksum;
        }
      }
    }
    return checksums;
  };
  const auto behind = saved(true);
  EXPECT_EQ(behind, saved(false));
  EXPECT_GE(behind[0].size(), 3U * (6 + 7));  // strips and blocks
  EXPECT_NE(behind[0], behind[1]);
}

TEST(BestInterval, IsWhatDalyFound) {
  // sqrt(2 C M) = 1200 s for C = 20 s, M = 10 h; the other terms are 1.0 percent of it, less C.
  EXPECT_NEAR(best_interval(20, 36'000), 1200 * (1 + std::sqrt(1.0 / 3600) / 3 + 1.0 / 32400) - 20,
              1e-9);
  EXPECT_EQ(best_interval(80, 40), 40);
  EXPECT_LT(best_interval(1, 3600), best_interval(2, 3600));
}

TEST_F(TrainerOf, ChoosesTheIntervalByItself) {
  config_.evaluate.keep = "last";  // or each best epoch is saved too
  config_.checkpoint.interval = "auto";
  config_.checkpoint.background = false;
  const std::string expected = hash_of(train("run", {1, 1}));
  const std::string log = test::read_text(directory_ / "run/log.txt");
  EXPECT_NE(log.find("loses least if a failure comes every 24 hours (0 in 0.00 hours of this run, "
                     "and one in 24: checkpoint.mtbf_hours)"),
            std::string::npos)
      << log;
  // The first epoch's alone: the others come within the interval.
  EXPECT_EQ(newest("run")->manifest.epoch, 1U);
  EXPECT_TRUE(newest("run")->older.empty());
  EXPECT_EQ(metrics_of("run")[1]["checkpoint"]["epoch"], 1);
  config_.checkpoint.interval = "fixed";
  EXPECT_EQ(hash_of(train("fixed", {1, 1})), expected);
}

TEST_F(TrainerOf, ReckonsWithTheFailuresOfItsRun) {
  config_.checkpoint.interval = "auto";
  config_.checkpoint.background = false;
  const auto uptime = [&] { return json::parse(test::read_text(directory_ / "run/uptime.json")); };
  const auto failures = [&] { return uptime().at("failures").get<int>(); };
  const auto running = [&] { return uptime().at("running").get<int>(); };
  // Asked to stop, finished, and refused: none of these is a failure.
  static_cast<void>(train("run", {1, 1}, std::nullopt, 2));
  EXPECT_EQ(running(), 0);
  const auto stopped = newest("run");
  static_cast<void>(train("run", {1, 1}, stopped));
  EXPECT_EQ(running(), 0);
  ResumePoint damaged = *newest("run");
  damaged.older.clear();
  std::filesystem::resize_file(damaged.checkpoint / "shard-000.h5", 99);
  EXPECT_THROW(static_cast<void>(train("run", {1, 1}, damaged)), CheckpointError);
  EXPECT_EQ(running(), 0);
  EXPECT_EQ(failures(), 0);
  // A disk that fails is. What is known of the time is until the checkpoint of the first epoch.
  const double before = uptime().at("seconds");
  install_faults(std::make_unique<Faults>(parse_faults("fail write=2 path=metrics"), 0));
  EXPECT_THROW(static_cast<void>(train("run", {1, 1})), ResourceError);
  install_faults(nullptr);
  EXPECT_EQ(running(), 1);
  EXPECT_GT(uptime().at("seconds").get<double>(), before + 1e-4);
  static_cast<void>(train("run", {1, 1}));
  EXPECT_EQ(failures(), 1);
  const std::string log = test::read_text(directory_ / "run/log.txt");
  const std::size_t note = log.rfind("a checkpoint takes ");
  ASSERT_NE(note, std::string::npos) << log;
  EXPECT_NE(log.find("every 12 hours (1 in 0.00 hours of this run, and one in 24: "
                     "checkpoint.mtbf_hours)",
                     note),
            std::string::npos)
      << log;
  double cost = 0;
  double interval = 0;
  ASSERT_EQ(std::sscanf(log.c_str() + note, "a checkpoint takes %lf s: one every %lf s", &cost,
                        &interval),
            2);
  // The cost is printed with two digits, up to 5 % from what it was: 2.5 % of its root.
  EXPECT_NEAR(interval, best_interval(cost, 12 * 3600), 0.03 * interval);
}

TEST_F(TrainerOf, FindsNothingWhereNothingIs) { EXPECT_FALSE(newest("empty")); }

TEST_F(TrainerOf, RefusesToGoOnWithAnotherConfiguration) {
  train("run", {1, 1}, std::nullopt, 2);
  config_.train.l2 = 0.5;
  try {
    static_cast<void>(newest("run"));
    ADD_FAILURE();
  } catch (const CheckpointError& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("epoch-000002: was trained with another configuration (checkpoint: "
                        "train.l2 = 0.03; now: train.l2 = 0.5)"),
              std::string::npos)
        << text;
  }
}

TEST_F(TrainerOf, RefusesToGoOnWithOtherData) {
  train("run", {1, 1}, std::nullopt, 2);
  const auto point = *newest("run");
  test::SyntheticShape shape;
  shape.seed = 2;
  const Dataset other{test::write_synthetic(directory_ / "other.h5", shape)};
  try {
    static_cast<void>(check_resume_point(point.checkpoint, config_, other));
    ADD_FAILURE();
  } catch (const CheckpointError& error) {
    EXPECT_NE(std::string{error.what()}.find("was trained on other data"), std::string::npos);
  }
}

}  // namespace
}  // namespace factorps::scheduler

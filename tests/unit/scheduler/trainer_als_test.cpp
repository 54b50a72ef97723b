/// Training ratings by alternating least squares, on any layout and from any checkpoint.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/unit/scheduler/trainer_fixture.hpp"

namespace factorps::scheduler {
namespace {

class AlsTrainer : public TrainerOf {
 protected:
  AlsTrainer() {
    config_.train.solver = "als";
    config_.train.epochs = 4;
    options_.kernels = als_kernels(best_kernels().set);
    options_.predict = best_kernels().predict;
    options_.l2_user = options_.l2_item = 0.05;
    options_.l2_bias = 0.02;
    options_.unobserved = 0;
    options_.mu = dataset_.train_mean();
  }
  TrainingResult train_on(const NodeSizes& sizes, const std::string& run,
                          const std::optional<ResumePoint>& resume = std::nullopt,
                          std::uint64_t epochs = 1000, int servers = 1) {
    LocalJob job{dataset_,
                 LocalJob::layout_of(sizes, servers),
                 2,
                 0,
                 ps::WireFormat::fp32,
                 ps::LeaseMode::dense,
                 options_};
    return train(run, job, static_cast<int>(sizes.size()), resume, epochs);
  }

  worker::AlsOptions options_;
};

TEST_F(AlsTrainer, TrainsTheSameModelOnAnyLayout) {
  for (const std::size_t cg_steps : {0U, 2U}) {
    options_.cg_steps = cg_steps;
    const std::string name = std::to_string(cg_steps) + "-";
    const json expected = summary_of(train_on({1}, name));
    const auto metrics = metrics_of(name);
    int number = 0;
    for (const NodeSizes& sizes :
         {NodeSizes{2}, {5}, {1, 1}, {2, 3}, {1, 1, 1}, {2, 1, 3}, {5, 5, 5, 5}}) {
      const std::string run = name + std::to_string(number++);
      const json summary = summary_of(train_on(sizes, run));
      EXPECT_EQ(summary["model_sha256"], expected["model_sha256"]) << sizes.size() << " nodes";
      EXPECT_EQ(summary["test"], expected["test"]);
      const auto others = metrics_of(run);
      ASSERT_EQ(others.size(), metrics.size());
      for (std::size_t n = 0; n < metrics.size(); ++n) {
        EXPECT_EQ(others[n]["train_rmse"], metrics[n]["train_rmse"]);
        EXPECT_EQ(others[n]["validation"], metrics[n]["validation"]);
      }
    }
  }
  const std::string expected = hash_of(train_on({1}, "one"));
  EXPECT_EQ(hash_of(train_on({4, 3}, "two each", std::nullopt, 1000, 4)), expected);
}

TEST_F(AlsTrainer, GoesOnFromAnyEpochOnAnotherLayoutWithTheSameBits) {
  const std::string expected = hash_of(train_on({1}, "whole"));
  for (std::uint64_t epochs = 1; epochs < 4; ++epochs) {
    const std::string run = "stopped" + std::to_string(epochs);
    EXPECT_EQ(train_on({2, 3}, run, std::nullopt, epochs).exit_code, ExitCode::stopped_early);
    EXPECT_EQ(hash_of(train_on({1, 1, 2}, run, newest(run))), expected);
  }
}

/// The metrics of the model are those of its epoch, whose rows come from a checkpoint.
TEST_F(AlsTrainer, KeepsTheBestEpoch) {
  config_.train.min_delta = 100;  // nothing is better than the first
  for (const NodeSizes& sizes : {NodeSizes{2}, {2, 2}}) {
    const std::string run = std::to_string(sizes.size());
    const json summary = summary_of(train_on(sizes, run));
    const auto lines = metrics_of(run);
    EXPECT_EQ(summary["model_epoch"], 1);
    EXPECT_EQ(summary["validation"], lines.front()["validation"]);
    EXPECT_NE(summary["validation"], lines.back()["validation"]);
  }
}

/// What is minimised falls with every half sweep; without penalties that is the squared error.
TEST_F(AlsTrainer, ErrorFallsWithEverySweep) {
  options_.l2_user = options_.l2_item = options_.l2_bias = 0;
  config_.evaluate.keep = "last";
  static_cast<void>(train_on({1}, "run"));
  double before = 1e9;
  for (const json& line : metrics_of("run")) {
    EXPECT_LT(line["train_rmse"], before);
    before = line["train_rmse"];
  }
}

/// Factors, the bias of the row and the one; 8 factors are padded to 16 columns anyway.
TEST_F(AlsTrainer, CountsTheBytesThatCrossBetweenNodes) {
  config_.train.epochs = 1;
  static_cast<void>(train_on({2, 2, 2}, "run"));
  const std::uint64_t rows = dataset_.grid().users() + dataset_.grid().items();
  const json line = metrics_of("run").front();
  EXPECT_EQ(line["block_bytes"]["train"], 2 * rows * 16 * sizeof(float));
  EXPECT_EQ(line["block_bytes"]["evaluate"], 0);
}

}  // namespace
}  // namespace factorps::scheduler

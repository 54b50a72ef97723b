/// Training by alternating least squares, on any layout and from any checkpoint.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/unit/scheduler/trainer_fixture.hpp"

namespace factorps::scheduler {
namespace {

worker::AlsOptions example_options() {
  worker::AlsOptions options;
  options.kernels = als_kernels(best_kernels().set);
  options.l2_user = options.l2_item = 0.05;
  options.unobserved = 0.1;
  options.confidence = {Confidence::Kind::linear, 0.5F, 1};
  options.rank_at = 5;
  return options;
}

class IalsTrainer : public TrainerOf {
 protected:
  IalsTrainer() {
    config_.train.solver = "ials";
    config_.train.epochs = 4;
    config_.ials.unobserved_weight = 0.1;
    config_.evaluate.metric = "ndcg@5";
    config_.evaluate.keep = "last";
  }
  TrainingResult train_on(const NodeSizes& sizes, const std::string& run, std::uint32_t delay = 0,
                          const std::optional<ResumePoint>& resume = std::nullopt,
                          std::uint64_t epochs = 1000) {
    LocalJob job{dataset_,
                 LocalJob::layout_of(sizes, servers_),
                 2,
                 delay,
                 ps::WireFormat::fp32,
                 ps::LeaseMode::dense,
                 options_};
    return train(run, job, static_cast<int>(sizes.size()), resume, epochs);
  }

  worker::AlsOptions options_ = example_options();
  int servers_ = 1;
};

TEST_F(IalsTrainer, TrainsTheSameModelOnAnyLayout) {
  for (const std::size_t cg_steps : {0U, 2U}) {
    options_.cg_steps = cg_steps;
    const std::string expected = hash_of(train_on({1}, "one" + std::to_string(cg_steps)));
    const auto metrics = metrics_of("one" + std::to_string(cg_steps));
    int number = 0;
    for (const NodeSizes& sizes :
         {NodeSizes{2}, {5}, {1, 1}, {2, 3}, {1, 1, 1}, {2, 1, 3}, {5, 5, 5, 5}}) {
      for (const std::uint32_t delay : {0U, 5U}) {
        const std::string run = std::to_string(cg_steps) + "-" + std::to_string(number++);
        EXPECT_EQ(hash_of(train_on(sizes, run, delay)), expected) << sizes.size() << " nodes";
        const auto others = metrics_of(run);
        ASSERT_EQ(others.size(), metrics.size());
        for (std::size_t n = 0; n < metrics.size(); ++n) {
          EXPECT_EQ(others[n]["train_loss"], metrics[n]["train_loss"]);
          EXPECT_EQ(others[n]["validation"], metrics[n]["validation"]);
        }
      }
    }
  }
}

TEST_F(IalsTrainer, TrainsTheSameModelWithAnyNumberOfServers) {
  const std::string expected = hash_of(train_on({1}, "one"));
  servers_ = 3;
  EXPECT_EQ(hash_of(train_on({6}, "three")), expected);
  servers_ = 4;
  EXPECT_EQ(hash_of(train_on({4, 3}, "two each")), expected);
}

TEST_F(IalsTrainer, GoesOnFromAnyEpochOnAnotherLayoutWithTheSameBits) {
  for (const std::size_t cg_steps : {0U, 2U}) {
    options_.cg_steps = cg_steps;
    const std::string expected = hash_of(train_on({1}, "whole"));
    for (std::uint64_t epochs = 1; epochs < 4; ++epochs) {
      const std::string run = "stopped" + std::to_string(epochs) + std::to_string(cg_steps);
      EXPECT_EQ(train_on({2, 3}, run, 0, std::nullopt, epochs).exit_code, ExitCode::stopped_early);
      EXPECT_EQ(hash_of(train_on({1, 1, 2}, run, 0, newest(run))), expected);
    }
  }
}

TEST_F(IalsTrainer, LossFallsWithEverySweep) {
  options_.l2_user = options_.l2_item = 0;  // the loss in metrics.jsonl is without the penalty
  static_cast<void>(train_on({1}, "run"));
  double before = 1e9;
  for (const json& line : metrics_of("run")) {
    EXPECT_LT(line["train_loss"], before);
    before = line["train_loss"];
  }
}

TEST_F(IalsTrainer, CountsTheBytesThatCrossBetweenNodes) {
  config_.train.epochs = 1;
  static_cast<void>(train_on({2, 2, 2}, "run"));
  const std::uint64_t rows = dataset_.grid().users() + dataset_.grid().items();
  const json line = metrics_of("run").front();
  EXPECT_EQ(line["block_bytes"]["train"], 2 * rows * 16 * sizeof(float));  // 8 factors, padded
  EXPECT_EQ(line["block_bytes"]["evaluate"], 0);
}

TEST_F(IalsTrainer, KeepsTheBestEpochByItsRankingMetric) {
  config_.evaluate.keep = "best";
  const json summary = summary_of(train_on({2}, "run"));
  double best = -1;
  std::uint64_t epoch = 0;
  for (const json& line : metrics_of("run")) {
    if (line["validation"]["ndcg@5"] > best) {
      best = line["validation"]["ndcg@5"];
      epoch = line["epoch"];
    }
  }
  EXPECT_EQ(summary["model_epoch"], epoch);
  EXPECT_EQ(summary["validation"]["ndcg@5"], best);
  EXPECT_GT(summary["test"]["users"], 0);
}

}  // namespace
}  // namespace factorps::scheduler

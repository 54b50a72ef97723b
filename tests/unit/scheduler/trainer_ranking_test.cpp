/// Training with losses that rank, on any layout of a node and from any checkpoint.
#include <algorithm>
#include <cmath>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/unit/scheduler/trainer_fixture.hpp"

namespace factorps::scheduler {
namespace {

class RankingTrainer : public TrainerOf {
 protected:
  RankingTrainer() {
    config_.train.loss = "softmax";
    config_.train.epochs = 4;
    config_.evaluate.metric = "ndcg@5";
    config_.evaluate.keep = "last";
    step_.rate = 0.1F;
    step_.cosine = true;
    step_.temperature = 0.3F;
    step_.batch = 16;
    step_.negatives = 16;
  }
  TrainingResult train_on(int servers, int workers, const std::string& run,
                          const std::optional<ResumePoint>& resume = std::nullopt,
                          std::uint64_t epochs = 1000) {
    LocalJob job{dataset_, servers, workers, {step_, popularity_exponent_, user_dropout_}};
    return train(run, job, 1, resume, epochs);
  }

  /// Each node with memory of its own, which blocks come to one after the other.
  /// @param late how often at most a message, and how often a block, is looked for in vain
  TrainingResult train_on_nodes(const NodeSizes& sizes, const std::string& run,
                                std::uint32_t late = 0,
                                const std::optional<ResumePoint>& resume = std::nullopt,
                                std::uint64_t epochs = 1000) {
    LocalJob job{dataset_,
                 LocalJob::layout_of(sizes),
                 2,
                 late,
                 ps::WireFormat::fp32,
                 ps::LeaseMode::dense,
                 std::nullopt,
                 worker::RankingOptions{step_, popularity_exponent_, user_dropout_},
                 {late, late, {}}};
    return train(run, job, static_cast<int>(sizes.size()), resume, epochs);
  }
  /// What metrics.jsonl says of the model, but for times and bytes.
  std::vector<json> losses_of(const std::string& run) const {
    std::vector<json> losses;
    for (const json& line : metrics_of(run)) {
      losses.push_back({line["train_loss"], line["validation"], line["best"]});
    }
    return losses;
  }

  RankingStep step_;
  double popularity_exponent_ = 0;
  double user_dropout_ = 0;
};

TEST_F(RankingTrainer, TrainsTheSameModelOnAnyNumberOfWorkersAndServers) {
  for (const RankingLoss loss :
       {RankingLoss::softmax, RankingLoss::ccl, RankingLoss::bpr, RankingLoss::logistic}) {
    step_.loss = loss;
    const std::string name = std::to_string(static_cast<int>(loss));
    const std::string expected = hash_of(train_on(1, 1, "one" + name));
    EXPECT_EQ(hash_of(train_on(1, 4, "four" + name)), expected);
    EXPECT_EQ(hash_of(train_on(3, 5, "five" + name)), expected);
    EXPECT_EQ(metrics_of("one" + name).back()["validation"],
              metrics_of("five" + name).back()["validation"]);
  }
}

TEST_F(RankingTrainer, EveryOptionGivesTheSameBitsOnAnyLayoutAndAfterAnInterruption) {
  step_.l2_negative = 0.01F;
  for (const RankingLoss loss : {RankingLoss::softmax, RankingLoss::bpr}) {
    step_.loss = loss;
    step_.exclude_positives = false;
    popularity_exponent_ = user_dropout_ = 0;
    const std::string which = std::to_string(static_cast<int>(loss));
    std::string before = hash_of(train_on(1, 1, "plain" + which));
    const auto differs = [&](const std::string& option) {
      const std::string name = option + which;
      const std::string stopped = "stopped " + name;
      const std::string expected = hash_of(train_on(1, 1, name));
      EXPECT_NE(expected, before) << name;
      before = expected;
      EXPECT_EQ(hash_of(train_on(2, 5, "many " + name)), expected) << name;
      EXPECT_EQ(train_on(1, 3, stopped, std::nullopt, 2).exit_code, ExitCode::stopped_early);
      EXPECT_EQ(hash_of(train_on(2, 2, stopped, newest(stopped))), expected) << name;
    };
    popularity_exponent_ = 0.5;
    differs("popular");
    step_.exclude_positives = true;
    differs("excluded");
    user_dropout_ = 0.3;
    differs("dropped");
  }
}

TEST_F(RankingTrainer, TrainsAndRanksWithTheSameBitsOnAnyNumberOfNodes) {
  for (const RankingLoss loss : {RankingLoss::softmax, RankingLoss::bpr}) {
    step_.loss = loss;
    const std::string name = std::to_string(static_cast<int>(loss));
    const json expected = summary_of(train_on(1, 1, "one" + name));
    EXPECT_GT(expected["validation"]["ndcg@5"], 0);
    for (const NodeSizes& sizes :
         {NodeSizes{1, 1}, {2, 3}, {1, 1, 1}, {2, 1, 3, 2}, {5, 5, 5, 5}}) {
      for (const std::uint32_t late : {0U, 20U}) {
        const std::string run = name + " on " + std::to_string(sizes.size()) +
                                std::to_string(sizes[0]) + std::to_string(late);
        const json summary = summary_of(train_on_nodes(sizes, run, late));
        for (const char* key : {"model_sha256", "validation", "test"}) {
          EXPECT_EQ(summary[key], expected[key]) << sizes.size() << " nodes, " << late << " late";
        }
        EXPECT_EQ(losses_of(run), losses_of("one" + name));
      }
    }
  }
}

/// Also with more strips than blocks, where the last steps of a strip may have no block.
TEST_F(RankingTrainer, RanksWithTheSameBitsOnNodesOfAnyGrid) {
  for (const auto& [strips, blocks] : {std::pair{7U, 3U}, {3U, 9U}, {4U, 4U}}) {
    dataset_ =
        Dataset{test::write_synthetic(directory_ / "other.h5", {60, 40, strips, blocks, 12, 1})};
    const json expected = summary_of(train_on(1, 1, "one"));
    const json summary = summary_of(train_on_nodes({2, 1, 2}, "nodes", 3));
    for (const char* key : {"model_sha256", "validation", "test"}) {
      EXPECT_EQ(summary[key], expected[key]) << strips << " x " << blocks;
    }
  }
}

TEST_F(RankingTrainer, GoesOnOnOtherNodesWithTheSameBits) {
  config_.train.schedule = "plateau";
  config_.train.decay = 0.1;
  const std::string expected = hash_of(train_on(1, 1, "whole"));
  EXPECT_EQ(train_on_nodes({2, 2}, "stopped", 3, std::nullopt, 2).exit_code,
            ExitCode::stopped_early);
  EXPECT_EQ(train_on_nodes({1, 3, 1}, "stopped", 0, newest("stopped"), 1).exit_code,
            ExitCode::stopped_early);
  EXPECT_EQ(hash_of(train_on(1, 2, "stopped", newest("stopped"))), expected);
  EXPECT_EQ(losses_of("stopped"), losses_of("whole"));
}

/// Blocks go round once to train and twice to rank.
TEST_F(RankingTrainer, SendsEveryBlockOnceInTheTrainingAndTwiceInARanking) {
  static_cast<void>(train_on_nodes({1, 2, 1}, "run"));
  const std::uint64_t row = round_up(LocalJob::kDim, kRowMultiple) * sizeof(float) + 8;
  const Grid& grid = dataset_.grid();
  const std::uint64_t round = 3 * (grid.items() * row + grid.blocks() * sizeof(comm::BlockHeader));
  for (const json& line : metrics_of("run")) {
    EXPECT_EQ(line["block_bytes"]["train"], round);
    EXPECT_EQ(line["block_bytes"]["evaluate"], 2 * round);
  }
}

/// Each epoch goes without other users; what is left is trained, and counted.
TEST_F(RankingTrainer, DropsAboutAsManyUsersAsItIsTold) {
  user_dropout_ = 0.5;
  config_.train.epochs = 20;
  static_cast<void>(train_on(1, 2, "run"));
  const auto all = static_cast<double>(dataset_.interactions(Part::train));
  double sum = 0;
  std::set<double> numbers;
  for (const json& line : metrics_of("run")) {
    const double trained = line["interactions"];
    numbers.insert(trained);
    sum += trained;
  }
  // 59 users with interactions, in 20 epochs: five standard deviations of as many coins.
  EXPECT_NEAR(sum / 20 / all, 0.5, 5 * 0.5 / std::sqrt(59 * 20));
  EXPECT_GT(numbers.size(), 5);
}

TEST_F(RankingTrainer, DrawsOtherItemsInEveryEpoch) {
  step_.rate = 0;  // the same rows, so that only the sampled items differ
  step_.cosine = false;
  static_cast<void>(train_on(1, 1, "run"));
  const auto lines = metrics_of("run");
  EXPECT_NE(lines[0]["train_loss"], lines[1]["train_loss"]);
  EXPECT_NE(lines[1]["train_loss"], lines[2]["train_loss"]);
}

TEST_F(RankingTrainer, GoesOnFromAnyEpochWithTheSameBits) {
  config_.train.schedule = "plateau";
  config_.train.decay = 0.1;
  const std::string expected = hash_of(train_on(1, 1, "whole"));
  for (std::uint64_t epochs = 1; epochs < 4; ++epochs) {
    const std::string run = "stopped" + std::to_string(epochs);
    EXPECT_EQ(train_on(1, 3, run, std::nullopt, epochs).exit_code, ExitCode::stopped_early);
    EXPECT_EQ(hash_of(train_on(2, 2, run, newest(run))), expected);
  }
}

/// Of a ranking metric more is better: the rate drops after each evaluation that is not above all
/// before it, and five such in a row end the training, wherever it was interrupted.
TEST_F(RankingTrainer, DropsTheRateWhereTheMetricStopsRising) {
  config_.train.schedule = "plateau";
  config_.train.decay = 0.9;
  config_.train.patience = 5;
  config_.train.epochs = 80;
  step_.rate = 0.3F;
  config_.evaluate.keep = "best";
  const json expected = summary_of(train_on(1, 1, "whole"));
  const auto lines = metrics_of("whole");
  ASSERT_LT(lines.size(), 80U);
  double factor = 1;
  double best = -1;
  std::size_t without = 0;
  for (const json& line : lines) {
    EXPECT_DOUBLE_EQ(line["learning_rate_factor"], factor) << line["epoch"];
    const double metric = line["validation"]["ndcg@5"];
    without = metric > best ? 0 : without + 1;
    factor *= metric > best ? 1 : 0.9;
    best = std::max(best, metric);
  }
  EXPECT_EQ(without, 5U);
  EXPECT_GT(best, lines.front()["validation"]["ndcg@5"]) << "it never rose";
  for (std::size_t epochs = 1; epochs < lines.size(); ++epochs) {
    const std::string run = "stopped" + std::to_string(epochs);
    EXPECT_EQ(train_on(1, 3, run, std::nullopt, epochs).exit_code, ExitCode::stopped_early);
    const json summary = summary_of(train_on(2, 2, run, newest(run)));
    EXPECT_EQ(summary["model_sha256"], expected["model_sha256"]) << epochs;
    EXPECT_EQ(summary["model_epoch"], expected["model_epoch"]);
    const auto others = metrics_of(run);
    ASSERT_EQ(others.size(), lines.size()) << epochs;
    EXPECT_EQ(others.back()["learning_rate_factor"], lines.back()["learning_rate_factor"]);
  }
}

TEST_F(RankingTrainer, LearnsSomething) {
  config_.train.epochs = 20;
  static_cast<void>(train_on(1, 2, "run"));
  const auto lines = metrics_of("run");
  EXPECT_LT(lines.back()["train_loss"], lines.front()["train_loss"].get<double>() - 0.3);
}

}  // namespace
}  // namespace factorps::scheduler

/// Training with losses that rank, on any layout of a node and from any checkpoint.
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
    LocalJob job{dataset_, servers, workers, step_};
    return train(run, job, 1, resume, epochs);
  }

  RankingStep step_;
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

TEST_F(RankingTrainer, LearnsSomething) {
  config_.train.epochs = 20;
  static_cast<void>(train_on(1, 2, "run"));
  const auto lines = metrics_of("run");
  EXPECT_LT(lines.back()["train_loss"], lines.front()["train_loss"].get<double>() - 0.3);
}

}  // namespace
}  // namespace factorps::scheduler

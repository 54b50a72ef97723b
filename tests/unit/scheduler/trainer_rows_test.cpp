/// Trainings in row mode that pause within epochs.
#include "tests/unit/scheduler/local_row_job.hpp"
#include "tests/unit/scheduler/trainer_fixture.hpp"

namespace factorps::scheduler {
namespace {

using test::LocalRowJob;

class RowTrainer : public TrainerOf {
 protected:
  RowTrainer() {
    config_.train.solver = "rows";
    config_.rows.batch = 40;  // 13 steps
    config_.rows.lanes = LocalRowJob::kLanes;
    config_.train.epochs = 4;
    config_.checkpoint.keep = 100;
  }

  void save_as_often_as_possible() {
    config_.checkpoint.background = false;
    config_.checkpoint.every_minutes = 1e-9;
  }
  /// Trains in RUN until the scheduler has asked so often whether it should stop.
  TrainingResult train_rows(const std::string& run, const NodeSizes& nodes, int servers,
                            const std::optional<ResumePoint>& resume = std::nullopt,
                            std::uint64_t asks = ~std::uint64_t{0}) {
    LocalRowJob job{dataset_, LocalJob::layout_of(nodes, servers),
                    static_cast<std::uint64_t>(config_.rows.batch), policy_};
    RunDirectory directory{directory_ / run};
    const JobFacts facts{1, 1, 1, static_cast<int>(nodes.size()), "test", "{}"};
    ProgressDisplay display{stderr, ProgressDisplay::Mode::silent, false, 4, 1};
    std::uint64_t asked = 0;
    Trainer trainer{config_, dataset_, facts, job.cluster(), directory, display, [&](double) {
                      return std::string{++asked >= asks ? "asked to stop" : ""};
                    }};
    return trainer.run(resume);
  }
  /// Trains to the end in jobs that are asked to stop at some time, each of another shape.
  /// @param within counts those that did so within an epoch
  TrainingResult train_in_pieces(const std::string& run, const std::vector<NodeSizes>& shapes,
                                 std::uint64_t asks, int& within) {
    TrainingResult result;
    for (std::size_t start = 0; start < 1000; ++start) {
      // Later starts are asked later, so that every one gets on.
      const NodeSizes& shape = shapes[start % shapes.size()];
      const int servers = start % 2 == 1 && shape.front() > 2 ? 2 : 1;
      result = train_rows(run, shape, servers, newest(run), asks + start * 7);
      if (result.exit_code == ExitCode::done) break;
      within += newest(run)->manifest.step > 0 ? 1 : 0;
    }
    return result;
  }
  std::vector<json> losses_of(const std::string& run) const {
    std::vector<json> losses;
    for (const json& line : metrics_of(run)) {
      losses.push_back({line["train_rmse"], line["interactions"], line["validation"]});
    }
    return losses;
  }
  /// Interactions that the workers of this job have trained in an epoch.
  static std::uint64_t trained_in(const json& line) {
    std::uint64_t sum = 0;
    for (const json& worker : line["workers"]) sum += worker["interactions"].get<std::uint64_t>();
    return sum;
  }

  ps::RowPolicy policy_;
};

TEST_F(RowTrainer, StopsWithinEpochsAndGoesOnWithTheSameBitsOnAnyLayout) {
  config_.train.schedule = "bold_driver";  // looks at the loss of whole epochs
  const std::string expected = hash_of(train_rows("whole", {2}, 1));
  int within = 0;
  for (const std::uint64_t asks : {5U, 31U, 58U, 110U}) {
    const std::string run = "run" + std::to_string(asks);
    const TrainingResult result = train_in_pieces(run, {{4}, {3, 4, 2}, {2}, {4, 3}}, asks, within);
    EXPECT_EQ(hash_of(result), expected) << asks;
    EXPECT_EQ(losses_of(run), losses_of("whole")) << asks;
  }
  EXPECT_GT(within, 4);
}

TEST_F(RowTrainer, SavesWithinEpochsByTimeAndTrainsTheSame) {
  const std::string expected = hash_of(train_rows("whole", {2}, 1));
  config_.checkpoint.every_epochs = 0;
  config_.checkpoint.every_minutes = 1e-9;
  for (const bool background : {true, false}) {
    config_.checkpoint.background = background;
    const std::string run = background ? "behind" : "waiting";
    EXPECT_EQ(hash_of(train_rows(run, {3, 4, 2}, 2)), expected);
    EXPECT_EQ(losses_of(run), losses_of("whole"));
    std::vector<ResumePoint> points = newest(run)->older;
    std::erase_if(points, [](const ResumePoint& point) { return point.manifest.step == 0; });
    ASSERT_GT(points.size(), background ? 0U : 8U);
    for (const std::size_t n : {std::size_t{0}, points.size() / 2, points.size() - 1}) {
      EXPECT_EQ(hash_of(train_rows("again", {4}, 2, points[n])), expected) << points[n].checkpoint;
    }
  }
}

/// Workers are at different steps then: all train the same ones before the pause.
TEST_F(RowTrainer, TrainsEveryInteractionOnceUnderEveryPolicy) {
  save_as_often_as_possible();
  for (const ps::RowPolicy policy :
       {ps::RowPolicy{ps::Consistency::ssp, 3}, ps::RowPolicy{ps::Consistency::asp, 0}}) {
    policy_ = policy;
    const std::string run = policy.staleness > 0 ? "ssp" : "asp";
    static_cast<void>(summary_of(train_rows(run, {3, 4, 2}, 1)));
    for (const json& line : metrics_of(run)) {
      EXPECT_EQ(trained_in(line), dataset_.interactions(Part::train));
      EXPECT_EQ(line["interactions"], dataset_.interactions(Part::train));
    }
    EXPECT_GT(newest(run)->older.size(), 8U) << "checkpoints within epochs";
  }
}

/// What one worker computes does not depend on when pushes are applied.
TEST_F(RowTrainer, OneWorkerGoesOnWithTheSameBitsUnderEveryPolicy) {
  const std::string expected = hash_of(train_rows("whole", {2}, 1));
  for (const auto consistency : {ps::Consistency::ssp, ps::Consistency::asp}) {
    policy_ = {consistency, 2};
    const std::string run = consistency == ps::Consistency::ssp ? "ssp" : "asp";
    int within = 0;
    EXPECT_EQ(hash_of(train_in_pieces(run, {{2}}, 20, within)), expected);
    EXPECT_GT(within, 0);
  }
}

TEST_F(RowTrainer, CountsWhatAJobAddsToAnEpochThatAnotherBegan) {
  config_.checkpoint.every_epochs = 0;
  ASSERT_EQ(train_rows("run", {2}, 1, std::nullopt, 6).exit_code, ExitCode::stopped_early);
  const ResumePoint point = *newest("run");
  ASSERT_EQ(point.manifest.epoch, 0U);
  ASSERT_GT(point.manifest.step, 0U);
  const json summary = summary_of(train_rows("run", {3, 2}, 1, point));
  const json first = metrics_of("run").front();
  EXPECT_EQ(first["interactions"], dataset_.interactions(Part::train));
  EXPECT_LT(trained_in(first), dataset_.interactions(Part::train));
  EXPECT_EQ(summary["updates"], trained_in(first) + 3 * dataset_.interactions(Part::train));
}

TEST_F(RowTrainer, HotRowsAreThoseOfTheWholeEpoch) {
  config_.evaluate.keep = "last";
  const json whole = summary_of(train_rows("whole", {2}, 1));
  save_as_often_as_possible();
  const json parts = summary_of(train_rows("parts", {2}, 1));
  EXPECT_FALSE(whole["rows"]["hot"].empty());
  EXPECT_EQ(parts["rows"]["hot"], whole["rows"]["hot"]);
  EXPECT_GT(newest("parts")->older.size(), 8U) << "checkpoints within epochs";
}

}  // namespace
}  // namespace factorps::scheduler

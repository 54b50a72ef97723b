/// Least squares on nodes none of which holds whole tables, against the same with copies of them.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/unit/scheduler/trainer_fixture.hpp"

namespace factorps::scheduler {
namespace {

/// @param GetParam() the solver
class StreamedTrainer : public TrainerOf, public testing::WithParamInterface<const char*> {
 protected:
  StreamedTrainer() {
    const bool all_pairs = GetParam() == std::string{"ials"};
    config_.train.solver = GetParam();
    config_.train.epochs = 3;
    options_.kernels = als_kernels(best_kernels().set);
    options_.l2_user = options_.l2_item = 0.05;
    if (all_pairs) {
      config_.ials.unobserved_weight = options_.unobserved = 0.1;
      config_.evaluate.metric = "ndcg@5";
      options_.confidence = {Confidence::Kind::linear, 0.5F, 1};
      options_.rank_at = 5;
    } else {
      options_.predict = best_kernels().predict;
      options_.l2_bias = 0.02;
      options_.unobserved = 0;
      options_.mu = dataset_.train_mean();
    }
  }
  /// @param buffer rows; none: whole copies
  TrainingResult train_on(const NodeSizes& sizes, const std::string& run,
                          std::optional<std::uint64_t> buffer,
                          const std::optional<ResumePoint>& resume = std::nullopt,
                          std::uint64_t epochs = 1000) {
    config_.ials.copies = buffer ? "streamed" : "whole";
    LocalJob job{dataset_,
                 LocalJob::layout_of(sizes, servers_),
                 2,
                 0,
                 ps::WireFormat::fp32,
                 ps::LeaseMode::dense,
                 options_,
                 std::nullopt,
                 faults_,
                 buffer};
    return train(run, job, static_cast<int>(sizes.size()), resume, epochs);
  }
  void expect_same_metrics(const std::string& run, const std::string& expected) const {
    const auto lines = metrics_of(run);
    const auto others = metrics_of(expected);
    ASSERT_EQ(lines.size(), others.size());
    for (std::size_t n = 0; n < lines.size(); ++n) {
      for (const char* key : {"train_loss", "train_rmse", "validation"}) {
        EXPECT_EQ(lines[n].value(key, json{}), others[n].value(key, json{})) << key;
      }
    }
  }

  worker::AlsOptions options_;
  int servers_ = 1;
  comm::MessageFaults faults_;
};

TEST_P(StreamedTrainer, TrainsTheModelOfWholeCopies) {
  for (const std::size_t cg_steps : {0U, 2U}) {
    options_.cg_steps = cg_steps;
    const std::string name = "whole" + std::to_string(cg_steps);
    const json expected = summary_of(train_on({1}, name, std::nullopt));
    int number = 0;
    for (const NodeSizes& sizes :
         {NodeSizes{2}, {1, 1}, {2, 3}, {1, 1, 1}, {2, 1, 3}, {5, 5, 5, 5}}) {
      for (const std::uint64_t buffer : {1U, 1000U}) {
        const std::string run = std::to_string(cg_steps) + "-" + std::to_string(number++);
        const json summary = summary_of(train_on(sizes, run, buffer));
        EXPECT_EQ(summary["model_sha256"], expected["model_sha256"])
            << sizes.size() << " nodes, buffer of " << buffer;
        EXPECT_EQ(summary["test"], expected["test"]);
        expect_same_metrics(run, name);
      }
    }
  }
}

TEST_P(StreamedTrainer, SavesBetweenItsHalvesByTimeAndGoesOnFromThereOnAnyLayout) {
  config_.checkpoint.keep = 100;
  const std::string expected = hash_of(train_on({1}, "whole", std::nullopt));
  config_.checkpoint.every_epochs = 0;
  config_.checkpoint.every_minutes = 1e-9;
  EXPECT_EQ(hash_of(train_on({2, 3}, "behind", 30)), expected);
  config_.checkpoint.background = false;
  EXPECT_EQ(hash_of(train_on({2, 3}, "run", 30)), expected);
  expect_same_metrics("run", "whole");

  std::vector<ResumePoint> points = newest("run")->older;
  std::erase_if(points, [](const ResumePoint& point) { return point.manifest.step == 0; });
  ASSERT_EQ(points.size(), 3U);  // of each epoch
  for (const ResumePoint& point : points) {
    EXPECT_EQ(hash_of(train_on({1, 1, 2}, "whole again", std::nullopt, point)), expected);
    EXPECT_EQ(hash_of(train_on({2, 1}, "streamed again", 1, point)), expected);
    for (const char* key : {"train_loss", "train_rmse", "validation"}) {
      EXPECT_EQ(metrics_of("streamed again").front().value(key, json{}),
                metrics_of("whole")[point.manifest.epoch].value(key, json{}))
          << key;
    }
  }
}

TEST_P(StreamedTrainer, TrainsTheSameModelWhenMessagesAreLate) {
  const std::string expected = hash_of(train_on({1}, "whole", std::nullopt));
  faults_.most_delay = 7;
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    faults_.seed = seed;
    EXPECT_EQ(hash_of(train_on({2, 1, 3}, std::to_string(seed), 1)), expected);
  }
}

TEST_P(StreamedTrainer, TrainsTheSameModelWithSeveralServersPerNode) {
  const std::string expected = hash_of(train_on({1}, "whole", std::nullopt));
  servers_ = 8;  // the first strip, the only one of its node, is the second server's
  const std::string run = "two each";
  EXPECT_EQ(hash_of(train_on({5, 5, 5, 5}, run, 1)), expected);
  expect_same_metrics(run, "whole");
}

TEST_P(StreamedTrainer, GoesOnFromCheckpointsOfTheOtherWay) {
  const std::string expected = hash_of(train_on({1}, "whole", std::nullopt));
  for (std::uint64_t epochs = 1; epochs < 3; ++epochs) {
    const std::string run = "stopped" + std::to_string(epochs);
    static_cast<void>(train_on({2, 3}, run, 1, std::nullopt, epochs));
    EXPECT_EQ(hash_of(train_on({1, 2, 1}, run, std::nullopt, newest(run))), expected);
    const std::string other = "other" + std::to_string(epochs);
    static_cast<void>(train_on({2, 3}, other, std::nullopt, std::nullopt, epochs));
    EXPECT_EQ(hash_of(train_on({1, 2, 1}, other, 1, newest(other))), expected);
  }
}

TEST_P(StreamedTrainer, CountsTheBytesOfRowsThatCome) {
  static_cast<void>(train_on({1, 1, 1}, "small", 1));
  static_cast<void>(train_on({1, 1, 1}, "large", 1000));
  const json small = metrics_of("small").back()["block_bytes"];
  const json large = metrics_of("large").back()["block_bytes"];
  EXPECT_GT(small["train"], large["train"]);
  EXPECT_GT(large["train"], 0);
  // Every node gets the items of the others: a number of 4 bytes, a row of 64.
  const std::uint64_t passes = GetParam() == std::string{"ials"} ? 2 : 1;
  EXPECT_EQ(large["evaluate"], passes * 2 * dataset_.grid().items() * 68);
}

/// A third of both tables, and a buffer.
TEST_P(StreamedTrainer, HoldsItsShareOfTheTables) {
  const Dataset large{test::write_synthetic(directory_ / "large.h5", {3000, 2000, 12, 12, 4, 1})};
  const auto memory = [&](std::optional<std::uint64_t> buffer) {
    LocalJob job{large,
                 LocalJob::layout_of({1, 1, 1}),
                 2,
                 0,
                 ps::WireFormat::fp32,
                 ps::LeaseMode::dense,
                 options_,
                 std::nullopt,
                 {},
                 buffer};
    constexpr std::uint64_t kRow = 16 * sizeof(float) + sizeof(RowState);
    return static_cast<double>(job.memory_of_largest_node() - job.buffer() * kRow);
  };
  // Nodes have 4 of 12 strips each, and 3 to 5 of 12 blocks.
  EXPECT_LT(memory(1), 0.4 * memory(std::nullopt));
}

INSTANTIATE_TEST_SUITE_P(Solver, StreamedTrainer, testing::Values("als", "ials"),
                         [](const auto& solver) { return std::string{solver.param}; });

}  // namespace
}  // namespace factorps::scheduler

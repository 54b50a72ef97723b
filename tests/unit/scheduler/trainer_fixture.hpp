/// Trainings on a small synthetic dataset, every role on one thread.
#pragma once

#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "scheduler/trainer.hpp"
#include "tests/support/synthetic_dataset.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/unit/scheduler/local_job.hpp"

namespace factorps::scheduler {
using nlohmann::json;
using test::LocalJob;
using test::NodeSizes;

struct Layout {
  int servers = 1;
  int workers = 1;
};

/// Enough for four nodes.
inline constexpr test::SyntheticShape kShape{60, 40, 6, 7, 12, 1};

class TrainerOf : public testing::Test {
 protected:
  TrainerOf() {
    config_.model.dim = LocalJob::kDim;
    config_.train.epochs = 6;
    config_.train.learning_rate = 0.1;
  }

  /// Trains in RUN; asked to stop when `epochs` are done. @return the result
  TrainingResult train(const std::string& run, Layout layout,
                       const std::optional<ResumePoint>& resume = std::nullopt,
                       std::uint64_t epochs = 1000) {
    LocalJob job{dataset_, layout.servers, layout.workers};
    return train(run, job, 1, resume, epochs);
  }
  TrainingResult train(const std::string& run, LocalJob& job, int nodes,
                       const std::optional<ResumePoint>& resume = std::nullopt,
                       std::uint64_t epochs = 1000) {
    RunDirectory directory{directory_ / run};
    const JobFacts facts{1, 1, 1, nodes, "test", "{}"};
    ProgressDisplay display{stderr, ProgressDisplay::Mode::silent, false,
                            static_cast<std::uint64_t>(config_.train.epochs), 1};
    Trainer trainer{config_,
                    dataset_,
                    facts,
                    job.cluster(),
                    directory,
                    display,
                    [&, before = std::optional<std::size_t>{}](double seconds) mutable {
                      epoch_seconds_.push_back(seconds);
                      const std::size_t done = epochs < 1000 ? metrics_of(run).size() : 0;
                      if (!before) before = done;
                      return std::string{done - *before == epochs ? "asked to stop" : ""};
                    }};
    return trainer.run(resume);
  }
  std::optional<ResumePoint> newest(const std::string& run) {
    return find_resume_point(RunDirectory{directory_ / run}, config_, dataset_,
                             [this](const std::string& note) { notes_.push_back(note); });
  }
  static json summary_of(const TrainingResult& result) {
    EXPECT_EQ(result.exit_code, ExitCode::done);
    return json::parse(result.summary);
  }
  static std::string hash_of(const TrainingResult& result) {
    return summary_of(result).at("model_sha256");
  }
  std::vector<json> metrics_of(const std::string& run) const {
    std::istringstream text{test::read_text(directory_ / run / "metrics.jsonl")};
    std::vector<json> lines;
    for (std::string line; std::getline(text, line);) lines.push_back(json::parse(line));
    return lines;
  }

  test::TemporaryDirectory directory_;
  Dataset dataset_{test::write_synthetic(directory_ / "data.h5", kShape)};
  Config config_;
  std::vector<std::string> notes_;
  std::vector<double> epoch_seconds_;  // told when the trainer asked whether to stop
};

}  // namespace factorps::scheduler

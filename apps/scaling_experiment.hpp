/// The doing of a scaling experiment: datasets, trainings, files.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "apps/commands.hpp"
#include "io/config.hpp"
#include "scheduler/scaling/runs.hpp"

namespace factorps::apps {

/// Runs other programs one by one: this one's `prepare` in one process, and its `train` under the
/// launcher. What has been done already is not done again.
class ScalingExperiment {
 public:
  ScalingExperiment(const BenchScalingOptions& options, Config config);

  /// Makes the dataset of a run unless it is there. @throws ResourceError, DataError
  void prepare(const scheduler::ScalingRun& run) const;

  /// Trains, and writes runs/ID.json. Says of a failed run what went wrong and keeps its output.
  /// @return exit code; of a failed launcher or training its own
  [[nodiscard]] ExitCode measure(const scheduler::ScalingRun& run) const;

  [[nodiscard]] bool is_measured(const scheduler::ScalingRun& run) const;

 private:
  using Words = std::vector<std::string>;

  [[nodiscard]] std::filesystem::path dataset_of(const scheduler::ScalingRun& run) const;
  /// `COMMAND CONFIG --set ...` with the assignments of the command line and these.
  [[nodiscard]] Words program(const char* command, const Words& assignments) const;
  [[nodiscard]] Words source_of(const scheduler::ScalingData& data) const;
  [[nodiscard]] Words training_of(const scheduler::ScalingRun& run,
                                  const std::filesystem::path& directory) const;
  void say(const std::string& text) const;

  const BenchScalingOptions& options_;
  Config config_;
  scheduler::Nodes nodes_;
  std::filesystem::path executable_;
};

}  // namespace factorps::apps

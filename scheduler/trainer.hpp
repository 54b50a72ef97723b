/// The scheduler role: epochs, learning rate, evaluation, early stopping, checkpoints, the result.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/timer.hpp"
#include "eval/metrics.hpp"
#include "io/config.hpp"
#include "io/dataset.hpp"
#include "model/learning_rate.hpp"
#include "scheduler/cluster.hpp"
#include "scheduler/early_stopping.hpp"
#include "scheduler/progress.hpp"
#include "scheduler/run_directory.hpp"

namespace factorps::scheduler {

/// What the job is, beyond its configuration.
struct JobFacts {
  int ranks = 1;
  int servers = 1;
  int workers = 1;
  int nodes = 1;
  std::string instruction_set;
  std::string environment;  ///< JSON text for summary.json: versions, hosts, SLURM ids
};

/// Where to start.
struct ResumePoint {
  std::filesystem::path checkpoint;
  CheckpointManifest manifest;
};

/// What a training came to.
struct TrainingResult {
  ExitCode exit_code = ExitCode::done;
  std::string summary;  ///< JSON text of summary.json; empty if stopped early
};

/// The newest checkpoint of the run that is whole and fits data and configuration; damaged ones
/// are reported through `note` and passed over.
/// @throws CheckpointError if the newest whole one belongs to other data or another configuration
[[nodiscard]] std::optional<ResumePoint> find_resume_point(
    const RunDirectory& run, const Config& config, const Dataset& dataset,
    const std::function<void(const std::string&)>& note);
/// One given checkpoint. @throws CheckpointError as above or if it is damaged
[[nodiscard]] ResumePoint check_resume_point(const std::filesystem::path& checkpoint,
                                             const Config& config, const Dataset& dataset);

/// Runs a training from start or checkpoint to model and summary.
class Trainer {
 public:
  /// Asked between epochs; true: checkpoint and stop with ExitCode::stopped_early.
  using StopRequested = std::function<bool()>;

  /// References must outlive the object.
  Trainer(const Config& config, const Dataset& dataset, const JobFacts& facts, Cluster& cluster,
          RunDirectory& run, ProgressDisplay& display, StopRequested stop_requested);

  [[nodiscard]] TrainingResult run(const std::optional<ResumePoint>& resume);

 private:
  /// What happened in the last epoch.
  struct Epoch {
    PassResult train;
    std::optional<eval::ErrorSums> validation;
    double evaluate_seconds = 0;
    std::uint64_t evaluate_block_bytes = 0;
    double checkpoint_seconds = 0;
    double rate_factor = 1;
    bool best = false;
  };

  /// Saved, but not yet under its name.
  struct PendingCheckpoint {
    std::filesystem::path temporary;
    CheckpointManifest manifest;
  };

  void start(const std::optional<ResumePoint>& resume);
  [[nodiscard]] bool finished() const;
  void train_epoch();
  [[nodiscard]] PassResult evaluate(Part part);
  [[nodiscard]] std::string export_model(const std::string& provenance);
  [[nodiscard]] double metric_of(const eval::ErrorSums& sums) const;
  [[nodiscard]] bool evaluation_due() const;
  [[nodiscard]] bool judge(double metric);
  [[nodiscard]] std::uint64_t choose_epoch();
  [[nodiscard]] bool checkpoint_due(bool best) const;
  [[nodiscard]] PendingCheckpoint save();
  void commit(const PendingCheckpoint& pending);
  void record(const Epoch& epoch);
  [[nodiscard]] TrainingResult finish();
  [[nodiscard]] TrainingResult stop_early(const std::string& reason);
  [[nodiscard]] std::string state_json() const;
  void restore_state(const std::string& json);
  void keep_best_of(const std::filesystem::path& checkpoint);

  const Config& config_;
  const Dataset& dataset_;
  const JobFacts& facts_;
  Cluster& cluster_;
  RunDirectory& run_;
  ProgressDisplay& display_;
  StopRequested stop_requested_;
  LearningRate rate_;
  EarlyStopping stopping_;
  std::uint64_t epoch_ = 0;  // done
  std::optional<std::uint64_t> last_checkpoint_;
  Stopwatch since_checkpoint_;
  Stopwatch since_start_;
  std::uint64_t updates_ = 0;  // since the start of this process
  double cpu_seconds_ = 0;     // of workers in training passes
  double train_seconds_ = 0;   // wall
  std::uint64_t peak_memory_bytes_ = 0;
  std::vector<comm::WorkerDone> worker_sums_;
};

}  // namespace factorps::scheduler

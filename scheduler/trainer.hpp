/// The scheduler role: epochs, learning rate, evaluation, early stopping, checkpoints, the result.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/error.hpp"
#include "common/timer.hpp"
#include "io/config.hpp"
#include "io/dataset.hpp"
#include "model/learning_rate.hpp"
#include "scheduler/checkpointer.hpp"
#include "scheduler/cluster.hpp"
#include "scheduler/early_stopping.hpp"
#include "scheduler/measured.hpp"
#include "scheduler/progress.hpp"
#include "scheduler/resume.hpp"
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

/// What a training came to.
struct TrainingResult {
  ExitCode exit_code = ExitCode::done;
  std::string summary;   ///< JSON text of summary.json; empty if stopped early
  bool goes_on = false;  ///< not the end: the job is to be built anew, then Trainer::go_on()
};

/// Runs a training from start or checkpoint to model and summary.
class Trainer {
 public:
  /// Asked between passes and, where these can pause, again and again within them, with the
  /// seconds that what cannot be interrupted may take next, as far as is known.
  /// @return why to stop with a checkpoint and ExitCode::stopped_early; empty: go on
  using StopRequested = std::function<std::string(double seconds)>;
  /// Told about the training pass of each epoch [worker].
  /// @return why the job must be built anew before the next; empty: it need not
  using BuildAnew = std::function<std::string(std::span<const comm::WorkerDone>)>;

  /// References must outlive the object.
  Trainer(const Config& config, const Dataset& dataset, const JobFacts& facts, Cluster& cluster,
          RunDirectory& run, ProgressDisplay& display, StopRequested stop_requested);

  void ask_after_epochs(BuildAnew build_anew) { build_anew_ = std::move(build_anew); }
  [[nodiscard]] TrainingResult run(const std::optional<ResumePoint>& resume);
  /// Continues a training that has come back with TrainingResult::goes_on.
  [[nodiscard]] TrainingResult go_on(Cluster& cluster);

 private:
  template <class Do>
  [[nodiscard]] TrainingResult counted(Do&& act);
  void start(const std::optional<ResumePoint>& resume);
  void start_anew();
  [[nodiscard]] const ResumePoint* load(const ResumePoint& newest);
  [[nodiscard]] TrainingResult train();
  [[nodiscard]] bool finished() const;
  /// Trains to the end of the epoch, or until it pauses.
  /// @return what its workers did in the training pass; empty if it paused [worker]
  std::vector<comm::WorkerDone> train_epoch();
  void end_epoch(MeasuredEpoch& epoch);
  [[nodiscard]] PassResult evaluate(Part part);
  [[nodiscard]] bool measures(Part part) const;
  [[nodiscard]] bool evaluation_due() const;
  [[nodiscard]] bool judge(double cost);
  [[nodiscard]] std::uint64_t choose_epoch();
  [[nodiscard]] std::string stop_reason();
  [[nodiscard]] std::uint32_t steps_of_pass() const;
  [[nodiscard]] std::string place_text() const;
  [[nodiscard]] Position position() const { return {epoch_, step_}; }
  void save();
  void record(const MeasuredEpoch& epoch);
  [[nodiscard]] TrainingResult finish();
  [[nodiscard]] TrainingResult stop_early(const std::string& reason);
  [[nodiscard]] TrainingResult hand_over(const std::string& reason);
  [[nodiscard]] std::uint64_t message_bytes() const noexcept {
    return earlier_message_bytes_ + cluster_->message_bytes();
  }

  const Config& config_;
  const Dataset& dataset_;
  const JobFacts& facts_;
  Cluster* cluster_;  // none between hand_over() and go_on()
  RunDirectory& run_;
  ProgressDisplay& display_;
  StopRequested stop_requested_;
  BuildAnew build_anew_;
  LearningRate rate_;
  EarlyStopping stopping_;
  std::uint64_t epoch_ = 0;       // done
  std::uint32_t step_ = 0;        // of the next one, done
  PassResult so_far_;             // of its training pass, in this job
  bool began_elsewhere_ = false;  // the epoch being trained
  Checkpointer checkpointer_;
  Stopwatch since_start_;
  std::optional<Stopwatch> since_asked_;  // whether it should stop
  double longest_piece_ = 0;  // seconds between two such questions: what nothing interrupts
  TrainingTotals totals_;
  std::uint64_t earlier_message_bytes_ = 0;  // of clusters before this one
};

}  // namespace factorps::scheduler

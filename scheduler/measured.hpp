/// What a training measured of itself: an epoch, and all epochs since the start of this process.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include "scheduler/checkpointer.hpp"
#include "scheduler/cluster.hpp"
#include "scheduler/evaluation.hpp"
#include "scheduler/loss_report.hpp"

namespace factorps::scheduler {

/// What happened in one epoch.
struct MeasuredEpoch {
  std::uint64_t epoch = 0;  ///< counted from 1
  PassResult train;
  std::optional<Evaluation> validation;
  double evaluate_seconds = 0;
  std::uint64_t evaluate_block_bytes = 0;
  double updates_elsewhere = 0;          ///< of the job before, if it stopped within this epoch
  double checkpoint_seconds = 0;         ///< for which training stood still
  std::optional<SavedCheckpoint> saved;  ///< that was completed since the epoch before
  double rate_factor = 1;
  bool best = false;
  bool squared = true;  ///< the loss is the squared error of predicted values

  [[nodiscard]] double updates() const noexcept { return train.sums[0]; }
  /// Those of this job, as `train` but for its sums is.
  [[nodiscard]] double updates_here() const noexcept { return updates() - updates_elsewhere; }
  /// "rmse" of predictions before each update, or "loss" per interaction.
  [[nodiscard]] const char* train_metric() const noexcept { return squared ? "rmse" : "loss"; }
  [[nodiscard]] double train_value() const noexcept { return squared ? std::sqrt(loss()) : loss(); }
  /// Per interaction.
  [[nodiscard]] double loss() const noexcept {
    return train.sums[1] / std::max(train.sums[0], 1.0);
  }
  [[nodiscard]] double updates_per_second() const noexcept {
    return updates_here() / std::max(train.seconds, 1e-9);
  }
};

/// Sums over training passes.
struct TrainingTotals {
  std::uint64_t updates = 0;
  double cpu_seconds = 0;  ///< of workers
  double seconds = 0;      ///< wall
  std::uint64_t peak_memory_bytes = 0;
  std::uint64_t peak_memory_held = 0;
  std::vector<comm::WorkerDone> workers;  // [worker]
  PassResult last;                        ///< training pass

  void add(const MeasuredEpoch& epoch) {
    const PassResult& pass = epoch.train;
    updates += static_cast<std::uint64_t>(epoch.updates_here());
    seconds += pass.seconds;
    for (const auto& worker : pass.workers) cpu_seconds += worker.cpu_seconds;
    add_pass(workers, pass.workers);
    last = pass;
    peak_memory_bytes = std::max(peak_memory_bytes, pass.memory.bytes);
    peak_memory_held = std::max(peak_memory_held, pass.memory.held);
  }
};

}  // namespace factorps::scheduler

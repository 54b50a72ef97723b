/// The worker role: takes ready cells of its node, one after the other.
#pragma once

#include <cstdint>
#include <vector>

#include "comm/memory_use.hpp"
#include "comm/transport.hpp"
#include "common/timer.hpp"
#include "common/trace.hpp"
#include "io/dataset.hpp"
#include "ps/leases.hpp"

namespace factorps::worker {

/// What a worker must know of the configuration.
struct WorkerOptions {
  SgdStep step;  ///< with the configured rates; the scheduler sends a factor for them
  Kernels kernels;
  TraceRecorder* trace = nullptr;  ///< none: nothing is recorded
};

/// One cell per step(); never blocks.
class Worker {
 public:
  /// References must outlive the object.
  /// @param strips the strips of this worker's node
  Worker(comm::Transport& transport, const ps::Tables& tables, const CellOrder& order,
         const Dataset& dataset, std::vector<StripId> strips, WorkerOptions options);

  /// @return whether there was something to do
  bool step();
  [[nodiscard]] bool stopped() const noexcept { return stopped_; }

 private:
  void handle(const comm::Envelope& envelope);
  void run(const ps::Lease& lease);
  void note_wait();
  [[nodiscard]] ps::CellSums train(const CellView& cell, const ps::Lease& lease);
  [[nodiscard]] ps::CellSums evaluate(const CellView& cell, const ps::Lease& lease);
  void report();

  comm::Transport& transport_;
  const ps::Tables& tables_;
  const Dataset& dataset_;
  ps::Leases leases_;
  WorkerOptions options_;
  comm::StartPass pass_;
  comm::WorkerDone done_;
  bool running_ = false;
  bool stopped_ = false;
  comm::MemoryMeter memory_;
  Clock::time_point attempt_;  // to get a cell, in vain
  double* waiting_ = nullptr;  // the sum that this waiting counts for
  Stopwatch since_progress_;
  double cpu_at_start_ = 0;
  std::vector<float> predictions_;
};

}  // namespace factorps::worker

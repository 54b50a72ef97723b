/// The worker role: takes ready pieces of work of its node, one after the other.
#pragma once

#include <memory>
#include <string>

#include "comm/memory_use.hpp"
#include "comm/transport.hpp"
#include "common/timer.hpp"
#include "common/trace.hpp"
#include "worker/work.hpp"

namespace factorps::worker {

/// One piece per step(); never blocks.
class Worker {
 public:
  /// @param trace none: nothing is recorded
  /// References must outlive the object.
  Worker(comm::Transport& transport, std::unique_ptr<Work> work, TraceRecorder* trace = nullptr);

  /// @return whether there was something to do
  bool step();
  [[nodiscard]] bool stopped() const noexcept { return stopped_; }
  /// Why step() found nothing to do, for people.
  [[nodiscard]] std::string waits_for() const;

 private:
  void handle(const comm::Envelope& envelope);
  [[nodiscard]] bool try_work();
  void note_wait();
  void report();

  comm::Transport& transport_;
  std::unique_ptr<Work> work_;
  TraceRecorder* trace_;
  comm::StartPass pass_;
  comm::WorkerDone done_;
  bool running_ = false;
  bool stopped_ = false;
  comm::MemoryMeter memory_;
  Clock::time_point attempt_;  // to get a piece, in vain
  double* waiting_ = nullptr;  // the sum that this waiting counts for
  Stopwatch since_progress_;
  double cpu_at_start_ = 0;
};

}  // namespace factorps::worker

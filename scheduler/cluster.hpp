/// The scheduler's hand on the job: passes and commands, each awaited with a deadline.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "comm/memory_use.hpp"
#include "comm/transport.hpp"
#include "common/trace.hpp"
#include "common/waiter.hpp"

namespace factorps::scheduler {

/// Sums of one pass; the strips added in ascending order, so that the bits do not depend on who
/// computed them.
struct PassResult {
  std::array<double, comm::kSumsPerStrip> sums{};
  std::vector<comm::WorkerDone> workers;  // [worker]
  double seconds = 0;                     ///< wall time
  std::uint64_t block_bytes = 0;          ///< that crossed from node to node
  std::uint64_t block_moves = 0;          ///< blocks that did
  comm::MemoryUse memory;                 ///< sum over all processes at the end of the pass
};

/// Runs on the thread of role 0.
class Cluster {
 public:
  /// Lets other roles of this process work; called while waiting. @return whether any did
  using Pump = std::function<bool()>;
  /// Told about interactions done so far in the pass, about once a second.
  using OnProgress = std::function<void(std::uint64_t)>;

  /// @param timeout seconds without any message after which a wait throws ResourceError
  /// @param longest_nap between two calls of the pump, seconds (common/waiter.hpp)
  Cluster(comm::Transport& transport, int servers, int workers, std::uint32_t strips,
          double timeout, Pump pump, double longest_nap = kLongNap);

  /// From now on passes and commands are recorded. @param trace must outlive the object
  void record_to(TraceRecorder* trace) noexcept { trace_ = trace; }
  [[nodiscard]] PassResult run_pass(comm::StartPass start, const OnProgress& on_progress);
  /// @return the replies of all servers [server]
  /// @throws the error of the first server that failed
  std::vector<comm::CommandDone> run(const comm::Command& command);
  void shutdown();

  /// Bytes of all messages to and from the scheduler since the start.
  [[nodiscard]] std::uint64_t message_bytes() const noexcept { return message_bytes_; }

 private:
  [[nodiscard]] std::vector<comm::CommandDone> collect_replies();
  void send(comm::RoleId to, comm::Tag tag, std::vector<std::byte> body);
  [[nodiscard]] comm::Envelope receive(const std::string& what, double patience);

  comm::Transport& transport_;
  int servers_;
  int workers_;
  std::uint32_t strips_;
  double timeout_;
  Pump pump_;
  double longest_nap_;
  std::uint64_t next_pass_ = 0;
  std::uint64_t message_bytes_ = 0;
  comm::MemoryMeter memory_;
  TraceRecorder* trace_ = nullptr;
};

}  // namespace factorps::scheduler

/// Where a training pass of row mode pauses, on one node.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "common/aligned_buffer.hpp"

namespace factorps::ps {

/// The steps of a pass, counted since the start of the job.
struct StepRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// Workers are at different steps, and have asked for rows of steps to come. A step that one of
/// them has asked for is trained by all: then no message is left when the pass ends. Every node
/// first holds: no worker asks for a step that none of them has asked for. The largest of these
/// steps over all nodes is where they pause: every worker trains all steps before it, and none
/// from it on. So every interaction of these steps counts once, whatever the consistency.
///
/// Every rank of a node makes one over the same memory; it owns nothing. All-zero memory is the
/// valid state before the first step.
class RowGate {
 public:
  [[nodiscard]] static constexpr std::size_t bytes_needed(std::size_t workers) noexcept {
    return (workers + 1) * kAlignment;
  }
  /// @param memory bytes_needed(workers of the node), aligned to kAlignment
  explicit RowGate(std::span<std::byte> memory)
      : memory_{memory}, workers_{memory.size() / kAlignment - 1} {}

  /// Whether a worker may ask for a step. If so it has: it must train it.
  /// @param worker of this node, from 0 @param begin of the pass
  [[nodiscard]] bool try_enter(std::size_t worker, std::uint64_t step, std::uint64_t begin) const;
  /// Whether the pass pauses before a step that was not entered: no later one will be.
  [[nodiscard]] bool pauses_before(std::uint64_t step, std::uint64_t begin) const;

  /// @return the first step that no worker of the node has entered, or may until pause()
  [[nodiscard]] std::uint64_t hold(StepRange pass) const;
  /// @param step end of the pass: nothing is left out
  void pause(std::uint64_t step) const;

 private:
  using Count = std::atomic<std::uint64_t>;
  static_assert(Count::is_always_lock_free, "shared between processes");

  /// Steps that a worker has entered.
  [[nodiscard]] Count& entered(std::size_t worker) const {
    return count((worker + 1) * kAlignment);
  }
  /// No step from here on may be entered, in this pass; 0 or of an earlier pass: all may.
  [[nodiscard]] Count& held() const { return count(0); }
  /// The same, for good.
  [[nodiscard]] Count& paused() const { return count(sizeof(Count)); }
  [[nodiscard]] Count& count(std::size_t at) const {
    return *reinterpret_cast<Count*>(memory_.data() + at);
  }
  [[nodiscard]] std::uint64_t first_not_entered() const;

  std::span<std::byte> memory_;
  std::size_t workers_;
};

}  // namespace factorps::ps

/// Pieces of work of one node that any of its workers may take, in any order.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>

#include "common/aligned_buffer.hpp"

namespace factorps::ps {

/// Every rank of a node makes one over the same memory and begins the same passes; all-zero memory
/// is the valid state before the first. A pass begins when every rank has left the one before.
class UnitCounter {
 public:
  static constexpr std::size_t kBytes = 2 * kAlignment;

  /// @param memory kBytes, aligned to kAlignment; must outlive the object
  explicit UnitCounter(std::span<std::byte> memory)
      : taken_{reinterpret_cast<Count*>(memory.data())},
        done_{reinterpret_cast<Count*>(memory.data() + kAlignment)} {}

  void begin(std::uint64_t units) noexcept {
    first_ = end_;
    end_ += units;
  }
  /// The number of a unit that nobody had, from 0; none if all are taken.
  /// @param open units of all passes so far that may be taken
  [[nodiscard]] std::optional<std::uint64_t> take(
      std::uint64_t open = std::numeric_limits<std::uint64_t>::max()) noexcept {
    std::uint64_t next = taken_->load(std::memory_order_relaxed);
    while (next < std::min(open, end_)) {
      if (taken_->compare_exchange_weak(next, next + 1, std::memory_order_relaxed)) {
        return next - first_;
      }
    }
    return std::nullopt;
  }
  /// Whether units are left that nobody has taken.
  [[nodiscard]] bool left() const noexcept {
    return taken_->load(std::memory_order_relaxed) < end_;
  }
  /// What was written is visible to whoever finds finished().
  void done() noexcept { done_->fetch_add(1, std::memory_order_release); }
  [[nodiscard]] bool finished() const noexcept {
    return done_->load(std::memory_order_acquire) >= end_;
  }

 private:
  using Count = std::atomic<std::uint64_t>;
  static_assert(Count::is_always_lock_free, "shared between processes");

  Count* taken_;
  Count* done_;
  std::uint64_t first_ = 0;  // units of all passes before this one
  std::uint64_t end_ = 0;
};

}  // namespace factorps::ps

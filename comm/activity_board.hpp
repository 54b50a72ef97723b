/// The activities of the ranks of a machine, in memory that all of them share.
#pragma once

#include <cstddef>
#include <vector>

#include "comm/environment.hpp"
#include "common/activity.hpp"

namespace factorps::comm {

/// Has no name in any file system: whatever becomes of its ranks, it goes with them.
class ActivityBoard {
 public:
  /// Collective. Where ranks of one machine do not see one another in /proc, each has its own row
  /// only.
  /// @throws ResourceError if some rank has not come after `timeout` seconds
  ActivityBoard(const Environment& environment, double timeout);
  ActivityBoard(const ActivityBoard&) = delete;
  ActivityBoard& operator=(const ActivityBoard&) = delete;
  ~ActivityBoard();

  /// Of the main thread of this rank.
  [[nodiscard]] Activity& mine() noexcept { return rows_[own_]; }
  /// Of another thread of it, if there is one.
  [[nodiscard]] Activity& beside() noexcept { return rows_[ranks_.size() + own_]; }
  /// Ranks of this machine, ascending.
  [[nodiscard]] const std::vector<int>& ranks() const noexcept { return ranks_; }
  /// Main threads, then those others that there have been.
  [[nodiscard]] std::vector<ActivitySeen> see() const;
  /// For the one who speaks for all: the first who asks gets true.
  [[nodiscard]] bool may_speak() noexcept;

 private:
  struct Header;

  std::vector<int> ranks_;
  std::size_t own_ = 0;  // of rows_
  std::size_t bytes_ = 0;
  void* memory_ = nullptr;
  Activity* rows_ = nullptr;  // [as ranks_], then those beside
};

}  // namespace factorps::comm

/// The cores of idle ranks, for threads of rank 0.
#pragma once

#include <cstdint>

#include <sched.h>

#include "comm/environment.hpp"

namespace factorps::comm {

/// Lets rank 0 run on the cores of all ranks of its machine while those have nothing to do. Most
/// launchers bind a rank to cores of its own, and threads of rank 0 would have to share these.
class BorrowedCores {
 public:
  /// Collective over all ranks.
  explicit BorrowedCores(const Environment& environment);
  BorrowedCores(const BorrowedCores&) = delete;
  BorrowedCores& operator=(const BorrowedCores&) = delete;
  /// Gives the cores back: the calling thread, which made the object, runs where it ran before.
  ~BorrowedCores();

  /// Threads that rank 0 can keep busy, the same number on every rank: one for each rank of its
  /// machine, but not more than there are cores; 1 if the cores are not to be had.
  [[nodiscard]] std::uint32_t threads() const noexcept { return threads_; }

 private:
  bool borrowed_ = false;  // rank 0 only
  cpu_set_t before_{};
  std::uint32_t threads_ = 1;
};

}  // namespace factorps::comm

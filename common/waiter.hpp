/// Polite waiting: on a machine with fewer cores than ranks, who waits must not take time from
/// who works.
#pragma once

#include <string>

#include "common/timer.hpp"

namespace factorps {

/// Call pause() while there is nothing to do, progress() when there was something. The first
/// pauses spin, the next yield, later ones sleep, up to three milliseconds.
class Waiter {
 public:
  /// @param timeout seconds without progress after which pause() throws
  explicit Waiter(double timeout) : timeout_{timeout} {}

  void progress() noexcept { pauses_ = 0; }
  /// @param what is waited for, for the message
  /// @throws ResourceError when the deadline has passed
  void pause(const std::string& what);

 private:
  double timeout_;
  unsigned pauses_ = 0;
  Stopwatch since_progress_;
};

}  // namespace factorps

/// Polite waiting: on a machine with fewer cores than ranks, who waits must not take time from
/// who works.
#pragma once

#include <string>

#include "common/timer.hpp"

namespace factorps {

/// Longest sleeps, seconds. Three milliseconds keep an idle rank near one percent of a core. Who
/// moves blocks sleeps less: workers of two nodes wait for it, and what they lose adds up around
/// the ring.
inline constexpr double kLongNap = 3e-3;
inline constexpr double kShortNap = 0.2e-3;

/// How often who waits gives its core to others before it sleeps. Rows of other nodes come within
/// some hundred microseconds, and a sleep takes at least some fifty.
inline constexpr unsigned kFewYields = 8;
inline constexpr unsigned kManyYields = 256;

/// Call pause() while there is nothing to do, progress() when there was something. The first
/// pauses spin, the next yield, later ones sleep, the longer the longer the wait has been.
class Waiter {
 public:
  /// @param timeout seconds without progress after which pause() throws
  explicit Waiter(double timeout, double longest_nap = kLongNap, unsigned yields = kFewYields)
      : timeout_{timeout}, longest_nap_{longest_nap}, yields_{yields} {}

  void progress() noexcept { pauses_ = 0; }
  /// @param what is waited for, for the message
  /// @throws ResourceError when the deadline has passed
  void pause(const std::string& what);

 private:
  double timeout_;
  double longest_nap_;
  unsigned yields_;
  unsigned pauses_ = 0;
  Stopwatch since_progress_;
};

}  // namespace factorps

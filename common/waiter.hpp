/// Polite waiting: on a machine with fewer cores than ranks, who waits must not take time from
/// who works.
#pragma once

#include <concepts>
#include <string>

#include "common/activity.hpp"
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

  void progress() noexcept {
    if (pauses_ > 0) wake();
    note_progress();
    pauses_ = 0;
  }
  /// @param what is waited for, for the message and for the watchdog
  /// @throws ResourceError when the deadline has passed
  void pause(const std::string& what) {
    pause([&]() -> const std::string& { return what; });
  }
  /// @param describe says what is waited for; called when somebody may want to know
  template <std::invocable Describe>
  void pause(Describe&& describe) {
    if (!shall_sleep()) return;
    if (late()) give_up(describe());
    if (shall_describe()) rest(describe());
    nap();
  }

 private:
  [[nodiscard]] bool shall_sleep();
  [[nodiscard]] bool shall_describe() const noexcept;
  [[nodiscard]] bool late() const { return since_progress_.seconds() > timeout_; }
  [[noreturn]] void give_up(const std::string& what) const;
  void nap();
  static void rest(const std::string& what) noexcept;
  static void wake() noexcept;

  double timeout_;
  double longest_nap_;
  unsigned yields_;
  unsigned pauses_ = 0;
  Stopwatch since_progress_;
};

}  // namespace factorps

/// Clocks: wall time for people and deadlines, CPU time for comparisons.
#pragma once

#include <chrono>

namespace factorps {

using Seconds = std::chrono::duration<double>;

/// Wall time that never goes back. All of the project's wall time passes here, in sleep() and
/// in yield(), so that a simulation can put its own in their place (bench/simulate).
struct Clock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<Clock>;
  static constexpr bool is_steady = true;  // NOLINT(readability-identifier-naming): the standard's
  [[nodiscard]] static time_point now() noexcept;
};
/// Lets the calling thread rest.
void sleep(Seconds time);
/// Lets other threads go first.
void yield() noexcept;

/// CPU time of the calling thread, seconds.
[[nodiscard]] double thread_cpu_seconds() noexcept;
/// CPU time of the whole process, seconds.
[[nodiscard]] double process_cpu_seconds() noexcept;

/// Time since construction or the last restart().
class Stopwatch {
 public:
  [[nodiscard]] double seconds() const noexcept { return Seconds{Clock::now() - start_}.count(); }
  void restart() noexcept { start_ = Clock::now(); }

 private:
  Clock::time_point start_ = Clock::now();
};

}  // namespace factorps

/// Clocks: wall time for people and deadlines, CPU time for comparisons.
#pragma once

#include <chrono>

namespace factorps {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

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

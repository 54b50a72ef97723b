#include "common/timer.hpp"

#include <ctime>
#include <thread>

namespace factorps {
namespace {

double read(clockid_t clock) noexcept {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

}  // namespace

Clock::time_point Clock::now() noexcept {
  return time_point{std::chrono::steady_clock::now().time_since_epoch()};
}

void sleep(Seconds time) { std::this_thread::sleep_for(time); }
void yield() noexcept { std::this_thread::yield(); }

double thread_cpu_seconds() noexcept { return read(CLOCK_THREAD_CPUTIME_ID); }
double process_cpu_seconds() noexcept { return read(CLOCK_PROCESS_CPUTIME_ID); }

}  // namespace factorps

// Takes the place of common/timer.cpp: the clock of this process runs as fast as CLOCK_FACTOR says,
// so that it finds itself slow.
#include <cstdlib>
#include <thread>

#include "common/timer.hpp"

namespace factorps {
namespace {

const double kFactor = [] {
  const char* text = std::getenv("CLOCK_FACTOR");
  return text == nullptr ? 1.0 : std::atof(text);
}();
const auto kStart = std::chrono::steady_clock::now();

double seconds() { return kFactor * Seconds{std::chrono::steady_clock::now() - kStart}.count(); }

}  // namespace

Clock::time_point Clock::now() noexcept {
  return time_point{std::chrono::duration_cast<duration>(Seconds{seconds()})};
}

void sleep(Seconds time) { std::this_thread::sleep_for(time); }
void yield() noexcept { std::this_thread::yield(); }

double thread_cpu_seconds() noexcept { return seconds(); }
double process_cpu_seconds() noexcept { return seconds(); }

}  // namespace factorps

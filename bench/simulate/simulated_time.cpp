// Takes the place of common/timer.cpp: all clocks show simulated time.
#include <simgrid/s4u.hpp>

#include "common/timer.hpp"

namespace factorps {

Clock::time_point Clock::now() noexcept {
  return time_point{
      std::chrono::duration_cast<duration>(Seconds{simgrid::s4u::Engine::get_clock()})};
}

void sleep(Seconds time) { simgrid::s4u::this_actor::sleep_for(time.count()); }
void yield() noexcept {}

double thread_cpu_seconds() noexcept { return simgrid::s4u::Engine::get_clock(); }
double process_cpu_seconds() noexcept { return simgrid::s4u::Engine::get_clock(); }

}  // namespace factorps

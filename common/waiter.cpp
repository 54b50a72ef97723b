#include "common/waiter.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "common/error.hpp"

namespace factorps {
namespace {

constexpr unsigned kSpins = 16;
// A sleep is a small part of the wait so far: it adds as little to the wait as it takes from the
// core. More spins and yields would cost more: each asks MPI, and MPI yields too.
constexpr double kShareOfWait = 0.25;
constexpr double kShortestSleep = 20e-6;  // seconds

}  // namespace

void Waiter::pause(const std::string& what) {
  if (pauses_ == 0) since_progress_.restart();
  ++pauses_;
  if (pauses_ <= kSpins) return;
  if (pauses_ <= kSpins + yields_) {
    yield();
    return;
  }
  if (since_progress_.seconds() > timeout_) {
    throw ResourceError{
        fmt::format("waited {:.0f} s for {}; is a rank gone or stuck? "
                    "(cluster.timeout_seconds)",
                    since_progress_.seconds(), what)};
  }
  const double nap =
      std::clamp(kShareOfWait * since_progress_.seconds(), kShortestSleep, longest_nap_);
  sleep(Seconds{nap});
}

}  // namespace factorps

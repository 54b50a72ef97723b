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
constexpr unsigned kNapsUntilNews = 256;  // most of a second

}  // namespace

bool Waiter::shall_sleep() {
  if (pauses_ == 0) since_progress_.restart();
  ++pauses_;
  if (pauses_ <= kSpins) return false;
  if (pauses_ > kSpins + yields_) return true;
  yield();
  return false;
}

/// At the first nap, and now and then in a long wait: what is missing changes.
bool Waiter::shall_describe() const noexcept {
  return activity() != nullptr && (pauses_ - kSpins - yields_) % kNapsUntilNews == 1;
}

void Waiter::give_up(const std::string& what) const {
  throw ResourceError{
      fmt::format("waited {:.0f} s for {}; is a rank gone or stuck? "
                  "(cluster.timeout_seconds)",
                  since_progress_.seconds(), what)};
}

void Waiter::nap() {
  const double nap =
      std::clamp(kShareOfWait * since_progress_.seconds(), kShortestSleep, longest_nap_);
  sleep(Seconds{nap});
}

void Waiter::rest(const std::string& what) noexcept { activity()->rest(what); }

void Waiter::wake() noexcept {
  if (Activity* const mine = activity()) mine->wake();
}

}  // namespace factorps

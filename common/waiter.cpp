#include "common/waiter.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "common/error.hpp"

namespace factorps {
namespace {

constexpr unsigned kSpins = 64;
constexpr unsigned kYields = 64;
constexpr unsigned kLongestSleep = 1000;  // microseconds

}  // namespace

void Waiter::pause(const std::string& what) {
  if (pauses_ == 0) since_progress_.restart();
  ++pauses_;
  if (pauses_ <= kSpins) return;
  if (pauses_ <= kSpins + kYields) {
    std::this_thread::yield();
    return;
  }
  if (since_progress_.seconds() > timeout_) {
    throw ResourceError{
        fmt::format("waited {:.0f} s for {}; is a rank gone or stuck? "
                    "(cluster.timeout_seconds)",
                    since_progress_.seconds(), what)};
  }
  const unsigned sleep = std::min((pauses_ - kSpins - kYields) * 20, kLongestSleep);
  std::this_thread::sleep_for(std::chrono::microseconds{sleep});
}

}  // namespace factorps

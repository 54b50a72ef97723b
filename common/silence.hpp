/// How long somebody has said nothing.
#pragma once

#include <algorithm>

#include "common/timer.hpp"

namespace factorps {

/// Between two words that only say that one is there.
inline constexpr double kSignOfLifeSeconds = 1;

/// Such a word; a byte.
enum class SignOfLife : unsigned char {
  here,
  silent_now  ///< for a while: nothing is to be concluded from it
};

/// Counts only time in which who listens was awake: if he was stopped for an hour, as a whole job
/// may be, the others had no chance to be heard.
class Silence {
 public:
  void heard(SignOfLife sign = SignOfLife::here) noexcept {
    seconds_ = 0;
    counts_ = sign == SignOfLife::here;
  }
  /// To be called again and again. @return seconds of silence
  double look() noexcept {
    constexpr double kMost = 0.25;  // between two looks
    const auto now = Clock::now();
    if (counts_) seconds_ += std::min(Seconds{now - last_look_}.count(), kMost);
    last_look_ = now;
    return seconds_;
  }

 private:
  double seconds_ = 0;
  bool counts_ = true;
  Clock::time_point last_look_ = Clock::now();
};

}  // namespace factorps

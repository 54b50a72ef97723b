/// How much an observed interaction counts in least squares over all pairs.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace factorps {

/// Hu, Koren, Volinsky (2008), equations 3 and 6: values are counts, durations or amounts. Values
/// below zero (returns) count like zero.
struct Confidence {
  enum class Kind : std::uint8_t {
    one,     ///< 1
    linear,  ///< 1 + alpha x
    log,     ///< 1 + alpha log(1 + x / epsilon)
  };
  Kind kind = Kind::one;
  float alpha = 1;
  float epsilon = 1;

  [[nodiscard]] float weight(float value) const noexcept {
    const float x = std::max(value, 0.0F);
    switch (kind) {
      case Kind::linear:
        return 1 + alpha * x;
      case Kind::log:
        return 1 + alpha * std::log1p(x / epsilon);
      default:
        return 1;
    }
  }
};

}  // namespace factorps

/// One byte per value where that loses nothing.
#pragma once

#include <cstdint>
#include <span>

#include "model/cell.hpp"

namespace factorps {

/// Value -> number under a narrow code that was chosen for the value.
class ValueEncoder {
 public:
  explicit ValueEncoder(const ValueCode& code) noexcept
      : base_{code.base}, steps_per_unit_{1 / code.step} {}
  /// Steps above the base; the number is the nearest whole one.
  [[nodiscard]] float steps(float value) const noexcept {
    return (value - base_) * steps_per_unit_;
  }
  [[nodiscard]] std::uint8_t operator()(float value) const noexcept {
    // Steps are whole but for rounding, and not below 0.
    // NOLINTNEXTLINE(bugprone-incorrect-roundings)
    return static_cast<std::uint8_t>(steps(value) + 0.5F);
  }

 private:
  float base_;
  float steps_per_unit_;
};

/// The narrow code under which ValueEncoder is exact for every one of `values`, if there is one:
/// all values must be the least plus 0 to 255 equal steps. Otherwise a code that is not narrow.
/// @param values all finite
[[nodiscard]] ValueCode choose_value_code(std::span<const float> values);

}  // namespace factorps

/// One byte per value where that loses nothing.
#pragma once

#include <cstdint>
#include <span>

#include "model/cell.hpp"

namespace factorps {

/// Number whose value is `value` under a narrow `code` that was chosen for it.
[[nodiscard]] inline std::uint8_t encode(const ValueCode& code, float value) noexcept {
  return static_cast<std::uint8_t>((value - code.base) / code.step + 0.5F);
}

/// The narrow code under which encode() is exact for every one of `values`, if there is one: all
/// values must be the least plus 0 to 255 equal steps. Otherwise a code that is not narrow.
/// @param values all finite
[[nodiscard]] ValueCode choose_value_code(std::span<const float> values);

}  // namespace factorps

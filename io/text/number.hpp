/// Numbers in text, without locale, allocation or tolerance for anything else in the field.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace factorps {

/// The 64-bit integer whose canonical decimal text this is: no sign +, no leading zeros, no -0.
[[nodiscard]] std::optional<std::int64_t> canonical_integer(std::string_view text) noexcept;

/// The float nearest to a decimal number (std::from_chars); nothing for text, infinities and NaN.
[[nodiscard]] std::optional<float> finite_float(std::string_view text) noexcept;

/// The same for double.
[[nodiscard]] std::optional<double> finite_double(std::string_view text) noexcept;

}  // namespace factorps

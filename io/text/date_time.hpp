/// Points in time: seconds since 1970-01-01 00:00 UTC.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace factorps {

/// Reads unix seconds ("874965758", "874965758.0", fractions are cut off downwards) or an ISO 8601
/// date-time ("2017-01-28", "2017-01-28 14:06", "2017-01-28T14:06:53.5Z", "...+02:00"; without a
/// zone: UTC).
[[nodiscard]] std::optional<std::int64_t> parse_time(std::string_view text) noexcept;

}  // namespace factorps

/// The speed of a link as people write it.
#pragma once

#include <string_view>

namespace factorps::scheduler {

/// Bits per second of "10Gbit", "800 Mbit/s", "2.5e9": a number and bit, kbit, Mbit, Gbit or Tbit
/// (powers of 1000; any case; "/s" may follow), or a number alone.
/// @param place of the text, for errors
/// @throws ConfigError naming place, text and expectation if it is something else or not above 0
[[nodiscard]] double parse_bit_rate(std::string_view text, std::string_view place);

}  // namespace factorps::scheduler

#include "ps/wire.hpp"

#include <bit>
#include <cstddef>

#include "common/check.hpp"

namespace factorps::ps {

void to_bf16(std::span<const float> factors, std::span<std::uint16_t> out) {
  FACTORPS_CHECK(factors.size() == out.size());
  for (std::size_t n = 0; n < factors.size(); ++n) {
    // Half of the last place that stays, a little less where the result is even already. An
    // infinity stays one; a NaN may become one, and the loss shows either.
    const auto bits = std::bit_cast<std::uint32_t>(factors[n]);
    out[n] = static_cast<std::uint16_t>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
  }
}

void from_bf16(std::span<const std::uint16_t> encoded, std::span<float> out) {
  FACTORPS_CHECK(encoded.size() == out.size());
  for (std::size_t n = 0; n < encoded.size(); ++n) {
    out[n] = std::bit_cast<float>(std::uint32_t{encoded[n]} << 16);
  }
}

void split(std::span<const float> factors, std::span<std::uint16_t> upper,
           std::span<std::uint16_t> lower) {
  FACTORPS_CHECK(factors.size() == upper.size() && factors.size() == lower.size());
  for (std::size_t n = 0; n < factors.size(); ++n) {
    const auto bits = std::bit_cast<std::uint32_t>(factors[n]);
    upper[n] = static_cast<std::uint16_t>(bits >> 16);
    lower[n] = static_cast<std::uint16_t>(bits & 0xffffU);
  }
}

void join(std::span<const std::uint16_t> upper, std::span<const std::uint16_t> lower,
          std::span<float> out) {
  FACTORPS_CHECK(out.size() == upper.size() && out.size() == lower.size());
  for (std::size_t n = 0; n < out.size(); ++n) {
    out[n] = std::bit_cast<float>(std::uint32_t{upper[n]} << 16 | lower[n]);
  }
}

}  // namespace factorps::ps

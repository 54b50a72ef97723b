/// How factors are written on the wire between nodes.
#pragma once

#include <cstdint>
#include <span>

namespace factorps::ps {

enum class WireFormat : std::uint8_t {
  fp32,  ///< as they are
  bf16,  ///< the upper half of a float, rounded to nearest, ties to even: half the bytes
};

/// @param out as long as `factors`
void to_bf16(std::span<const float> factors, std::span<std::uint16_t> out);
/// Exact. @param out as long as `encoded`
void from_bf16(std::span<const std::uint16_t> encoded, std::span<float> out);

/// The two halves of every float, neither rounded. @param upper, lower as long as `factors`
void split(std::span<const float> factors, std::span<std::uint16_t> upper,
           std::span<std::uint16_t> lower);
/// @param out as long as both halves
void join(std::span<const std::uint16_t> upper, std::span<const std::uint16_t> lower,
          std::span<float> out);

}  // namespace factorps::ps

/// Normalisation of values before training, and its inverse for every prediction.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace factorps {

/// Whose statistics are used.
enum class NormaliseBy { global, user, item };

/// stored = (original - offset) / scale, with one offset and scale for all, per user or per item
/// row. The identity has global scope, offset 0 and scale 1.
struct Normalisation {
  NormaliseBy by = NormaliseBy::global;
  std::vector<float> offset{0.0F};  // [0] or [user row] or [item row]
  std::vector<float> scale{1.0F};   // same length, never 0

  [[nodiscard]] std::size_t index(std::uint64_t user, std::uint64_t item) const noexcept {
    return by == NormaliseBy::global ? 0 : by == NormaliseBy::user ? user : item;
  }
  [[nodiscard]] float apply(std::uint64_t user, std::uint64_t item, float original) const noexcept {
    const std::size_t n = index(user, item);
    return (original - offset[n]) / scale[n];
  }
  [[nodiscard]] float invert(std::uint64_t user, std::uint64_t item, float stored) const noexcept {
    const std::size_t n = index(user, item);
    return stored * scale[n] + offset[n];
  }
};

}  // namespace factorps

/// A cell: the interactions of one strip with one block, as runs per user.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace factorps {

/// All interactions of one user in one cell; consecutive in the cell's arrays.
struct Run {
  std::uint32_t user;   ///< offset of the user row in the strip
  std::uint32_t count;  ///< interactions, at least 1
  friend bool operator==(const Run&, const Run&) = default;
};

/// How values are stored: one byte each, value = base + step * code, where that is exact for
/// every value of the dataset; otherwise as 32-bit floats.
struct ValueCode {
  bool narrow = false;  ///< true: bytes with base and step
  float base = 0;
  float step = 1;
};

/// A read-only view of one cell. Runs are in ascending order of the user; inside a run items are
/// in ascending order. Nothing is owned.
struct CellView {
  std::span<const Run> runs;
  std::span<const std::uint16_t> items;  // [interaction] offset of the item row in the block
  const std::uint8_t* codes = nullptr;   // [interaction] if code.narrow
  const float* values = nullptr;         // [interaction] if not
  ValueCode code;

  [[nodiscard]] std::size_t size() const noexcept { return items.size(); }
  /// Normalised value of interaction n.
  [[nodiscard]] float value(std::size_t n) const noexcept {
    return code.narrow ? code.base + code.step * static_cast<float>(codes[n]) : values[n];
  }
};

/// Calls visit(user's offset in the strip, n of the interaction) for all interactions of a cell.
template <class Visit>
void for_each_interaction(const CellView& cell, Visit&& visit) {
  std::size_t n = 0;
  for (const Run& run : cell.runs) {
    for (const std::size_t end = n + run.count; n < end; ++n) visit(run.user, n);
  }
}

}  // namespace factorps

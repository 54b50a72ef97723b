/// The distinct rows of a batch.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "common/check.hpp"
#include "common/sort_numbers.hpp"

namespace factorps::ps {

/// A row with a place in one number: so sorting is all there is to do, and nothing to look up.
struct PlacedRow {
  static constexpr unsigned kBits = 32;

  /// @param row, place below 2^32
  [[nodiscard]] static std::uint64_t pack(std::uint64_t row, std::uint64_t place) {
    FACTORPS_CHECK(row >> kBits == 0);
    return row << kBits | place;
  }
  [[nodiscard]] static std::uint64_t row(std::uint64_t packed) noexcept { return packed >> kBits; }
  [[nodiscard]] static std::uint32_t place(std::uint64_t packed) noexcept {
    return static_cast<std::uint32_t>(packed);
  }
};

/// Ascending, each once.
inline void make_distinct(std::vector<std::uint64_t>& rows) {
  sort_numbers(rows);
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
}

/// @param rows below 2^32, fewer than 2^32 of them; ascending ones take less time
/// @param index [example] where the row of each stands among the distinct ones, which ascend
inline void find_distinct(const std::vector<std::uint64_t>& rows,
                          std::vector<std::uint64_t>& distinct, std::vector<std::uint32_t>& index) {
  std::vector<std::uint64_t> places;
  places.reserve(rows.size());
  for (const std::uint64_t row : rows) places.push_back(PlacedRow::pack(row, places.size()));
  sort_numbers(places);
  distinct.clear();
  index.resize(rows.size());
  for (const std::uint64_t packed : places) {
    const std::uint64_t row = PlacedRow::row(packed);
    if (distinct.empty() || distinct.back() != row) distinct.push_back(row);
    index[PlacedRow::place(packed)] = static_cast<std::uint32_t>(distinct.size() - 1);
  }
}

}  // namespace factorps::ps

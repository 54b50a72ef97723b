/// The distinct rows of a batch.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "common/check.hpp"
#include "common/sort_numbers.hpp"

namespace factorps::ps {

/// Ascending, each once.
inline void make_distinct(std::vector<std::uint64_t>& rows) {
  sort_numbers(rows);
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
}

/// @param rows below 2^32, fewer than 2^32 of them; ascending ones take less time
/// @param index [example] where the row of each stands among the distinct ones, which ascend
inline void find_distinct(const std::vector<std::uint64_t>& rows,
                          std::vector<std::uint64_t>& distinct, std::vector<std::uint32_t>& index) {
  // A row with its place in one number: so sorting is all there is to do, and nothing to look up.
  constexpr unsigned kBits = 32;
  std::vector<std::uint64_t> places;
  places.reserve(rows.size());
  for (const std::uint64_t row : rows) {
    FACTORPS_CHECK(row >> kBits == 0);
    places.push_back(row << kBits | places.size());
  }
  sort_numbers(places);
  distinct.clear();
  index.resize(rows.size());
  for (const std::uint64_t place : places) {
    const std::uint64_t row = place >> kBits;
    if (distinct.empty() || distinct.back() != row) distinct.push_back(row);
    index[place & ((std::uint64_t{1} << kBits) - 1)] =
        static_cast<std::uint32_t>(distinct.size() - 1);
  }
}

}  // namespace factorps::ps

/// The distinct rows of a batch.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace factorps::ps {

/// @param index [example] where the row of each stands among the distinct ones, which ascend
inline void find_distinct(const std::vector<std::uint64_t>& rows,
                          std::vector<std::uint64_t>& distinct, std::vector<std::uint32_t>& index) {
  distinct = rows;
  std::ranges::sort(distinct);
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  index.clear();
  for (const std::uint64_t row : rows) {
    const auto at = std::ranges::lower_bound(distinct, row);
    index.push_back(static_cast<std::uint32_t>(at - distinct.begin()));
  }
}

}  // namespace factorps::ps

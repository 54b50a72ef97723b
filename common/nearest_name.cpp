#include "common/nearest_name.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

namespace factorps {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  const std::size_t width = b.size() + 1;
  std::vector<std::size_t> before(width);  // the row of i - 2
  std::vector<std::size_t> above(width);   // the row of i - 1
  std::vector<std::size_t> row(width);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::swap(before, above);
    std::swap(above, row);
    row[0] = i;
    for (std::size_t j = 1; j < width; ++j) {
      const std::size_t substitution = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + substitution});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row.back();
}

std::optional<std::string_view> nearest_name(std::string_view name,
                                             std::span<const std::string_view> candidates) {
  std::optional<std::string_view> nearest;
  std::size_t smallest = 0;
  for (const std::string_view candidate : candidates) {
    const std::size_t limit = std::max<std::size_t>(2, candidate.size() / 3);
    if (name.size() > candidate.size() + limit) continue;  // also keeps hostile names cheap
    const std::size_t distance = edit_distance(name, candidate);
    if (distance > limit || (nearest && distance >= smallest)) continue;
    nearest = candidate;
    smallest = distance;
  }
  return nearest;
}

}  // namespace factorps

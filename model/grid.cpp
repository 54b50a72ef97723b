#include "model/grid.hpp"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "common/check.hpp"
#include "common/error.hpp"

namespace factorps {
namespace {

std::uint32_t part_of(const std::vector<std::uint64_t>& begin, std::uint64_t row) {
  FACTORPS_CHECK(row < begin.back());
  const auto after = std::upper_bound(begin.begin(), begin.end(), row);
  return static_cast<std::uint32_t>(after - begin.begin() - 1);
}

constexpr std::uint64_t kLongRun = 32;  // interactions; four whole batches

std::uint64_t divide_up(std::uint64_t n, std::uint64_t by) { return (n + by - 1) / by; }

}  // namespace

StripId Grid::strip_of_user(std::uint64_t row) const { return StripId{part_of(strip_begin, row)}; }
BlockId Grid::block_of_item(std::uint64_t row) const { return BlockId{part_of(block_begin, row)}; }

std::vector<std::uint64_t> cut_balanced(std::span<const std::uint32_t> weights, std::uint32_t parts,
                                        std::uint64_t max_rows) {
  const std::uint64_t rows = weights.size();
  if (parts == 0 || divide_up(rows, max_rows) > parts) {
    throw ConfigError{
        fmt::format("{} rows cannot be cut into {} parts of at most {} rows; "
                    "expected at least {} parts",
                    rows, parts, max_rows, divide_up(rows, max_rows))};
  }
  const std::uint64_t total = std::accumulate(weights.begin(), weights.end(), std::uint64_t{0});
  std::vector<std::uint64_t> begin(std::size_t{parts} + 1, rows);
  begin[0] = 0;
  std::uint64_t row = 0;
  std::uint64_t sum = 0;
  for (std::uint32_t part = 1; part < parts; ++part) {
    const std::uint64_t left = parts - part;
    // Leave neither more rows than the rest can hold nor, if it can be helped, an empty part.
    const std::uint64_t most = std::min(row + max_rows, rows - std::min(rows - row, left));
    const std::uint64_t least =
        std::max(std::min(row + 1, most), rows - std::min(rows, left * max_rows));
    const double target = static_cast<double>(total) * part / parts;
    while (row < most) {
      const double next = static_cast<double>(sum) + weights[row];
      const bool closer = next - target <= target - static_cast<double>(sum);
      if (row >= least && !closer) break;
      sum += weights[row++];
    }
    begin[part] = row;
  }
  return begin;
}

GridShape choose_grid(std::uint32_t parallelism, std::uint64_t users, std::uint64_t items,
                      std::uint64_t interactions, std::uint64_t item_row_bytes,
                      std::uint64_t cache_bytes) {
  const std::uint64_t workers = std::max<std::uint32_t>(parallelism, 1);
  const std::uint64_t least = std::max(2 * workers, divide_up(items, kMaxBlockItems));
  const std::uint64_t fitting =
      divide_up(items * item_row_bytes, std::max<std::uint64_t>(cache_bytes / 2, 1));
  const std::uint64_t keeping_runs_long =
      interactions / std::max<std::uint64_t>(kLongRun * users, 1);
  const std::uint64_t blocks = std::max(least, std::min(fitting, keeping_runs_long));
  const auto bounded = [](std::uint64_t parts, std::uint64_t rows) {
    return static_cast<std::uint32_t>(std::max<std::uint64_t>(std::min(parts, rows), 1));
  };
  return {bounded(4 * workers, users), bounded(blocks, items)};
}

}  // namespace factorps

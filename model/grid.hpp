/// The grid: strips of users x blocks of items, a property of the dataset, never of the ranks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/id.hpp"

namespace factorps {

/// A half-open range of table rows.
struct RowRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  [[nodiscard]] std::uint64_t size() const noexcept { return end - begin; }
  friend bool operator==(const RowRange&, const RowRange&) = default;
};

/// Item offsets inside a block are 16 bits wide.
inline constexpr std::uint64_t kMaxBlockItems = 65536;

/// A partition of users into strips and of items into blocks, both contiguous and ascending.
/// Either range may be empty only if there are fewer rows than parts.
struct Grid {
  std::vector<std::uint64_t> strip_begin;  // [strip], plus the number of users at the end
  std::vector<std::uint64_t> block_begin;  // [block], plus the number of items at the end

  [[nodiscard]] std::uint32_t strips() const noexcept {
    return static_cast<std::uint32_t>(strip_begin.size() - 1);
  }
  [[nodiscard]] std::uint32_t blocks() const noexcept {
    return static_cast<std::uint32_t>(block_begin.size() - 1);
  }
  [[nodiscard]] std::uint64_t users() const noexcept { return strip_begin.back(); }
  [[nodiscard]] std::uint64_t items() const noexcept { return block_begin.back(); }
  [[nodiscard]] RowRange users_of(StripId strip) const {
    return {strip_begin.at(strip.value()), strip_begin.at(strip.value() + 1)};
  }
  [[nodiscard]] RowRange items_of(BlockId block) const {
    return {block_begin.at(block.value()), block_begin.at(block.value() + 1)};
  }
  /// Position of a cell in everything that is stored cell by cell: strip-major.
  [[nodiscard]] std::size_t cell_index(StripId strip, BlockId block) const noexcept {
    return std::size_t{strip.value()} * blocks() + block.value();
  }
  [[nodiscard]] std::size_t cells() const noexcept { return std::size_t{strips()} * blocks(); }
  /// @param row below users()
  [[nodiscard]] StripId strip_of_user(std::uint64_t row) const;
  /// @param row below items()
  [[nodiscard]] BlockId block_of_item(std::uint64_t row) const;
};

/// Cuts rows into `parts` contiguous ranges of about equal total weight, none longer than
/// `max_rows`. Greedy: each cut is placed where the running sum comes closest to its share.
/// @param weights interactions per row, n
/// @return parts + 1 ascending boundaries from 0 to n
/// @throws ConfigError if parts * max_rows < n or parts is 0
[[nodiscard]] std::vector<std::uint64_t> cut_balanced(std::span<const std::uint32_t> weights,
                                                      std::uint32_t parts, std::uint64_t max_rows);

/// Numbers of strips and blocks.
struct GridShape {
  std::uint32_t strips = 0;
  std::uint32_t blocks = 0;
};

/// The coarsest grid that feeds `parallelism` workers (four strips and two blocks for each, so that
/// no worker waits long at the end of a pass) and whose blocks fit half of the second-level cache,
/// as long as runs stay long (at least 32 interactions of a user in a cell on average: shorter runs
/// cost more in half-filled batches than blocks that come from the third-level cache).
/// @param item_row_bytes bytes of one item row with its state
[[nodiscard]] GridShape choose_grid(std::uint32_t parallelism, std::uint64_t users,
                                    std::uint64_t items, std::uint64_t interactions,
                                    std::uint64_t item_row_bytes, std::uint64_t cache_bytes);

}  // namespace factorps

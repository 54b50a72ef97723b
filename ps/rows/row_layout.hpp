/// The tables of row mode and who holds which rows: pure functions of sizes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "model/grid.hpp"
#include "model/optimizer.hpp"
#include "ps/layout.hpp"

namespace factorps::ps {

/// A table whose rows are pulled and pushed.
struct RowTable {
  std::string name;
  std::uint32_t width = 0;           ///< floats of a row that models see
  std::vector<std::uint64_t> begin;  ///< [block], plus the number of rows: units of placement
  OptimizerOptions optimizer;
  bool frozen = false;                          ///< nothing changes it
  std::vector<std::uint64_t> frozen_rows = {};  ///< nor these of others; ascending

  [[nodiscard]] std::uint64_t rows() const noexcept { return begin.back(); }
  [[nodiscard]] std::uint32_t blocks() const noexcept {
    return static_cast<std::uint32_t>(begin.size() - 1);
  }
  /// Floats of a row with the state of its optimizer: its values first.
  [[nodiscard]] std::size_t record() const { return width + state_width(optimizer, width); }
  [[nodiscard]] bool changes(std::uint64_t row) const {
    return !frozen && (frozen_rows.empty() || !std::ranges::binary_search(frozen_rows, row));
  }
};

/// Those of a range among ascending rows.
[[nodiscard]] inline std::span<const std::uint64_t> within(std::span<const std::uint64_t> rows,
                                                           RowRange range) {
  const auto first = std::ranges::lower_bound(rows, range.begin);
  return {first, std::ranges::lower_bound(first, rows.end(), range.end)};
}

/// Nodes hold neighbouring blocks of every table.
class RowLayout {
 public:
  /// @param strips of each node: the blocks of the first table, [node]
  RowLayout(std::vector<RowTable> tables, const std::vector<Share>& strips);

  [[nodiscard]] const std::vector<RowTable>& tables() const noexcept { return tables_; }
  [[nodiscard]] int nodes() const noexcept { return nodes_; }
  [[nodiscard]] Share blocks_of(std::size_t table, int node) const;
  [[nodiscard]] RowRange rows_of(std::size_t table, int node) const;
  /// @param row below rows()
  [[nodiscard]] int node_of(std::size_t table, std::uint64_t row) const;

 private:
  std::vector<RowTable> tables_;
  int nodes_;
  std::vector<std::vector<std::uint32_t>> first_block_;  // [table][node], plus the end
};

}  // namespace factorps::ps

#include "ps/rows/row_layout.hpp"

#include <algorithm>
#include <utility>

#include "common/check.hpp"

namespace factorps::ps {

RowLayout::RowLayout(std::vector<RowTable> tables, const std::vector<Share>& strips)
    : tables_{std::move(tables)}, nodes_{static_cast<int>(strips.size())} {
  for (const RowTable& table : tables_) {
    std::vector<std::uint32_t> first;
    const bool users = first_block_.empty();
    for (int node = 0; node < nodes_; ++node) {
      first.push_back(users ? strips[static_cast<std::size_t>(node)].begin
                            : share_of(table.blocks(), node, nodes_).begin);
    }
    first.push_back(table.blocks());
    first_block_.push_back(std::move(first));
  }
}

Share RowLayout::blocks_of(std::size_t table, int node) const {
  const auto& first = first_block_.at(table);
  const auto n = static_cast<std::size_t>(node);
  return {first.at(n), first.at(n + 1)};
}

RowRange RowLayout::rows_of(std::size_t table, int node) const {
  const Share blocks = blocks_of(table, node);
  const auto& begin = tables_.at(table).begin;
  return {begin[blocks.begin], begin[blocks.end]};
}

int RowLayout::node_of(std::size_t table, std::uint64_t row) const {
  FACTORPS_CHECK(row < tables_.at(table).rows());
  int node = 0;
  while (row >= rows_of(table, node).end) ++node;
  return node;
}

}  // namespace factorps::ps

#include "ps/stream_map.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "common/check.hpp"
#include "common/error.hpp"
#include "model/kernels/als_kernel.hpp"
#include "ps/als_tables.hpp"

namespace factorps::ps {
namespace {

std::uint64_t rows_of_table(const Grid& grid, Side side) {
  return side == Side::users ? grid.users() : grid.items();
}

RowRange rows_of_part(const Grid& grid, Side side, std::uint32_t part) {
  return slice_of({0, rows_of_table(grid, side)}, part, kGramParts);
}

/// Rows of a node's table that stand behind one another in the table too.
std::vector<RowRange> runs_of(const StreamMap& map, Side side, int node) {
  if (side == Side::users) return {map.users(node)};
  std::vector<RowRange> runs;
  for (const BlockId block : map.placement().homes(node)) {
    runs.push_back(map.grid().items_of(block));
  }
  return runs;
}

std::uint64_t overlap(RowRange a, RowRange b) {
  const std::uint64_t begin = std::max(a.begin, b.begin);
  return std::max(begin, std::min(a.end, b.end)) - begin;
}

/// The most interactions of a batch of the node, as far as they can be with different rows of
/// others.
std::uint64_t most_rows_of_batch(const StreamMap& map, Side side, int node,
                                 std::span<const std::uint32_t> counts) {
  const Side other = side == Side::users ? Side::items : Side::users;
  std::uint64_t elsewhere = rows_of_table(map.grid(), other);
  for (const RowRange run : runs_of(map, other, node)) elsewhere -= run.size();
  std::vector<RowRange> ranges = runs_of(map, side, node);
  if (side == Side::users) {
    ranges.clear();
    const Share strips = map.placement().strips(node);
    for (std::uint32_t s = strips.begin; s < strips.end; ++s) {
      ranges.push_back(map.grid().users_of(StripId{s}));
    }
  }
  const Batches batches = map.batches(side, node);
  std::uint64_t most = 0;
  for (std::uint64_t n = 0; n < batches.size(); ++n) {
    const Batch batch = batches.at(n);
    const auto first =
        counts.begin() + static_cast<std::ptrdiff_t>(ranges[batch.range].begin + batch.rows.begin);
    most = std::max(
        most, std::accumulate(first, first + std::ptrdiff_t(batch.rows.size()), std::uint64_t{0}));
  }
  return std::min(most, elsewhere);
}

}  // namespace

Batches::Batches(std::vector<std::uint64_t> rows, std::uint32_t slices)
    : rows_{std::move(rows)}, slices_{slices}, first_{0} {
  for (const std::uint64_t size : rows_) {
    for (std::uint32_t slice = 0; slice < slices; ++slice) {
      const std::uint64_t of_slice = slice_of({0, size}, slice, slices).size();
      first_.push_back(first_.back() + (of_slice + kAlsBatch - 1) / kAlsBatch);
    }
  }
}

Batch Batches::at(std::uint64_t n) const {
  const auto after = std::ranges::upper_bound(first_, n);
  FACTORPS_CHECK(after != first_.end());
  const auto piece = static_cast<std::size_t>(after - first_.begin()) - 1;
  Batch batch;
  batch.range = static_cast<std::uint32_t>(piece / slices_);
  batch.slice = static_cast<std::uint32_t>(piece % slices_);
  const RowRange rows = slice_of({0, rows_[batch.range]}, batch.slice, slices_);
  batch.rows.begin = rows.begin + (n - first_[piece]) * kAlsBatch;
  batch.rows.end = std::min(batch.rows.begin + kAlsBatch, rows.end);
  return batch;
}

StreamMap::StreamMap(const Grid& grid, const Placement& placement, std::uint32_t visiting)
    : grid_{grid}, placement_{placement}, visiting_{visiting} {
  for (std::uint32_t b = 0; b < grid.blocks(); ++b) {
    block_rows_ = std::max(block_rows_, grid.items_of(BlockId{b}).size());
  }
  home_.resize(grid.blocks());
  for (int node = 0; node < nodes(); ++node) {
    first_user_.push_back(grid.users_of(StripId{placement.strips(node).begin}).begin);
  }
  first_user_.push_back(grid.users());
  for (int node = 0; node < nodes(); ++node) {
    if (own_rows(node) + buffer() > std::numeric_limits<std::uint32_t>::max()) {
      throw ConfigError{fmt::format(
          "streamed least squares with {} rows on a node, {} of them in its buffer; expected fewer "
          "than 2^32: use more nodes or a smaller ials.buffer_mib",
          own_rows(node) + buffer(), buffer())};
    }
    auto at = static_cast<std::uint32_t>(users(node).size());
    for (const BlockId block : placement.homes(node)) {
      home_[block.value()] = {node, at};
      at += static_cast<std::uint32_t>(block_rows_);
    }
  }
}

NodeShare StreamMap::share(int node, std::uint32_t more_columns) const {
  const auto homes = static_cast<std::uint32_t>(placement_.homes(node).size());
  return {placement_.strips(node), homes + visiting_, false, more_columns};
}

RowRange StreamMap::users(int node) const {
  const auto n = static_cast<std::size_t>(node);
  return {first_user_.at(n), first_user_.at(n + 1)};
}

RowAddress StreamMap::user(std::uint64_t row) const {
  const auto after = std::upper_bound(first_user_.begin(), first_user_.end() - 1, row);
  const auto node = static_cast<int>(after - first_user_.begin()) - 1;
  return {node, static_cast<std::uint32_t>(row - users(node).begin)};
}

RowAddress StreamMap::item(std::uint64_t row) const {
  const BlockId block = grid_.block_of_item(row);
  RowAddress address = home_.at(block.value());
  address.at += static_cast<std::uint32_t>(row - grid_.items_of(block).begin);
  return address;
}

std::uint64_t StreamMap::own_rows(int node) const {
  return users(node).size() + placement_.homes(node).size() * block_rows_;
}

Batches StreamMap::batches(Side side, int node) const {
  std::vector<std::uint64_t> rows;
  if (side == Side::items) {
    for (const BlockId block : placement_.homes(node)) rows.push_back(grid_.items_of(block).size());
    return {std::move(rows), grid_.strips()};
  }
  const Share strips = placement_.strips(node);
  for (std::uint32_t s = strips.begin; s < strips.end; ++s) {
    rows.push_back(grid_.users_of(StripId{s}).size());
  }
  return {std::move(rows), grid_.blocks()};
}

int StreamMap::gram_node(Side side, std::uint32_t part) const {
  const RowRange rows = rows_of_part(grid_, side, part);
  int best = 0;
  std::uint64_t most = 0;
  for (int node = 0; node < nodes(); ++node) {
    std::uint64_t here = 0;
    for (const RowRange run : runs_of(*this, side, node)) here += overlap(rows, run);
    if (here <= most) continue;
    most = here;
    best = node;
  }
  return best;
}

/// Pieces stand in one half of the buffer after the other.
std::vector<GramPiece> StreamMap::gram_pieces(Side side, int node) const {
  const std::uint64_t half = buffer() / 2;
  const std::uint64_t step = std::max(half / kGramRows * kGramRows, std::uint64_t{kGramRows});
  std::vector<GramPiece> pieces;
  for (std::uint32_t part = 0; part < kGramParts; ++part) {
    if (gram_node(side, part) != node) continue;
    const RowRange rows = rows_of_part(grid_, side, part);
    std::uint64_t begin = rows.begin;
    do {
      const std::uint64_t end = std::min(begin + step, rows.end);
      pieces.push_back({part, {begin, end}, pieces.size() % 2 * half, end == rows.end});
      begin = end;
    } while (begin < rows.end);
  }
  return pieces;
}

/// Every node begins with another one's blocks.
std::vector<BlockId> StreamMap::blocks_in_turn(int node) const {
  std::vector<BlockId> blocks;
  for (int n = 0; n < nodes(); ++n, node = placement_.previous(node)) {
    const auto homes = placement_.homes(node);
    blocks.insert(blocks.end(), homes.begin(), homes.end());
  }
  return blocks;
}

std::uint64_t least_buffer(const StreamMap& map, std::span<const std::uint32_t> user_counts,
                           std::span<const std::uint32_t> item_counts) {
  const Grid& grid = map.grid();
  const std::uint64_t part = std::max(grid.users(), grid.items()) / kGramParts + 1;
  std::uint64_t rows = std::max(2 * map.block_rows(), 2 * std::min(part, std::uint64_t{kGramRows}));
  for (int node = 0; node < map.nodes() && !user_counts.empty(); ++node) {
    rows = std::max({rows, most_rows_of_batch(map, Side::users, node, user_counts),
                     most_rows_of_batch(map, Side::items, node, item_counts)});
  }
  return rows;
}

std::uint32_t visiting_places(const Grid& grid, const Placement& placement, std::uint64_t rows,
                              std::span<const std::uint32_t> user_counts,
                              std::span<const std::uint32_t> item_counts) {
  const StreamMap map{grid, placement, 0};
  if (rows == 0) {
    for (int node = 0; node < map.nodes(); ++node) {
      rows = std::max(rows, map.own_rows(node) / 4);
    }
  }
  // More would never be used, even with a part of it kept out of use.
  rows = std::min(rows, 2 * std::max(grid.users(), grid.items()));
  rows = std::max(rows, least_buffer(map, user_counts, item_counts));
  const std::uint64_t block = std::max(map.block_rows(), std::uint64_t{1});
  return static_cast<std::uint32_t>((rows + block - 1) / block);
}

}  // namespace factorps::ps

#include "ps/tables.hpp"

#include <algorithm>

#include "common/check.hpp"

namespace factorps::ps {
namespace {

static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "shared between processes");

std::size_t padded(std::size_t dim) { return round_up(dim, kRowMultiple); }

std::uint64_t rows_of_largest_block(const Grid& grid) {
  std::uint64_t largest = 0;
  for (std::uint32_t b = 0; b < grid.blocks(); ++b) {
    largest = std::max(largest, grid.items_of(BlockId{b}).size());
  }
  return largest;
}

}  // namespace

RowRange slice_of(RowRange rows, std::uint32_t n, std::uint32_t parts) {
  return {rows.begin + rows.size() * n / parts, rows.begin + rows.size() * (n + 1) / parts};
}

NodeShare whole_grid(const Grid& grid) { return {{0, grid.strips()}, 0}; }

std::size_t Tables::bytes_needed(const Grid& grid, std::size_t dim, NodeShare share) {
  return Tables{grid, dim, share}.bytes_;
}

Tables::Tables(std::span<std::byte> memory, const Grid& grid, std::size_t dim, NodeShare share)
    : Tables{grid, dim, share} {
  FACTORPS_CHECK(memory.size() >= bytes_needed(grid, dim, share));
  memory_ = memory;
}

Tables::Tables(const Grid& grid, std::size_t dim, NodeShare share)
    : grid_{grid}, dim_{dim}, stride_{padded(dim + share.more_columns)}, share_{share} {
  OffsetCursor cursor;
  std::vector<std::uint64_t> users;
  for (std::uint32_t s = share.strips.begin; s < share.strips.end; ++s) {
    users.push_back(grid.users_of(StripId{s}).size());
  }
  strips_ = lay_out(cursor, users);
  std::vector<std::uint64_t> items(share.places, rows_of_largest_block(grid));
  for (std::uint32_t b = 0; share.places == 0 && b < grid.blocks(); ++b) {
    items.push_back(grid.items_of(BlockId{b}).size());
  }
  for (std::uint64_t& rows : items) rows += share.blank_rows ? kBlankRows : 0;
  places_ = lay_out(cursor, items);
  const std::size_t strips = strips_.size();
  blocks_offset_ = cursor.take(std::size_t{grid.blocks()} * kAlignment);
  progress_offset_ = cursor.take(strips * kAlignment);
  sums_offset_ = cursor.take(strips * grid.blocks() * sizeof(CellSums));
  bytes_ = cursor.take(0);
}

/// Factors first, one range behind the other, then states.
std::vector<Tables::RowsPlace> Tables::lay_out(OffsetCursor& cursor,
                                               const std::vector<std::uint64_t>& rows) const {
  std::vector<RowsPlace> places(rows.size());
  for (std::size_t n = 0; n < rows.size(); ++n) {
    places[n].factors = cursor.take(rows[n] * stride_ * sizeof(float));
  }
  for (std::size_t n = 0; n < rows.size(); ++n) {
    places[n].states = cursor.take(rows[n] * sizeof(RowState));
  }
  return places;
}

RowsView Tables::rows(RowsPlace place, std::uint64_t count) const {
  return {reinterpret_cast<float*>(memory_.data() + place.factors),
          reinterpret_cast<RowState*>(memory_.data() + place.states), stride_, count};
}

RowsView Tables::strip(StripId strip) const {
  return rows(strips_.at(strip.value() - share_.strips.begin), grid_.users_of(strip).size());
}
RowsView Tables::block(BlockId block) const {
  if (share_.places == 0) return block_in_place(block, block.value());
  return block_in_place(
      block, *reinterpret_cast<const std::uint32_t*>(counters_of(block) + sizeof(std::uint64_t)));
}
RowsView Tables::block_in_place(BlockId block, std::uint32_t place) const {
  return rows(places_.at(place), grid_.items_of(block).size());
}
void Tables::put(BlockId block, std::uint32_t place) const {
  *reinterpret_cast<std::uint32_t*>(counters_of(block) + sizeof(std::uint64_t)) = place;
}

/// One cache line per block: the turns, then the place.
std::byte* Tables::counters_of(BlockId block) const {
  return memory_.data() + blocks_offset_ + std::size_t{block.value()} * kAlignment;
}
std::atomic<std::uint64_t>& Tables::turns(BlockId block) const {
  return *reinterpret_cast<std::atomic<std::uint64_t>*>(counters_of(block));
}
std::atomic<std::uint64_t>& Tables::progress(StripId strip) const {
  const std::size_t local = strip.value() - share_.strips.begin;
  return *reinterpret_cast<std::atomic<std::uint64_t>*>(memory_.data() + progress_offset_ +
                                                        local * kAlignment);
}
CellSums& Tables::sums(StripId strip, BlockId block) const {
  const std::size_t local = strip.value() - share_.strips.begin;
  return *(reinterpret_cast<CellSums*>(memory_.data() + sums_offset_) + local * grid_.blocks() +
           block.value());
}

}  // namespace factorps::ps

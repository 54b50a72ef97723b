#include "ps/tables.hpp"

#include <algorithm>

#include "common/check.hpp"
#include "model/kernels/stream_copy.hpp"

namespace factorps::ps {
namespace {

static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "shared between processes");

// Of the cache line of a block: turns, place, place of the copy and 1 (0: at home elsewhere), cut.
constexpr std::size_t kPlace = 8;
constexpr std::size_t kCopyPlace = 12;
constexpr std::size_t kCutOfBlock = 16;
// Of the cache line of a strip: progress, cut.
constexpr std::size_t kCutOfStrip = 8;

template <class T>
T& at(std::byte* place) {
  return *reinterpret_cast<T*>(place);
}

void copy_rows(RowsView from, RowsView to) {
  const auto copy = [](const auto* what, std::size_t count, auto* where) {
    stream_copy(std::as_bytes(std::span{what, count}), reinterpret_cast<std::byte*>(where));
  };
  copy(from.factors, from.rows * from.stride, to.factors);
  copy(from.states, from.rows, to.states);
}

std::size_t padded(std::size_t dim) { return round_up(dim, kRowMultiple); }

std::uint64_t rows_of_largest_block(const Grid& grid) {
  std::uint64_t largest = 0;
  for (std::uint32_t b = 0; b < grid.blocks(); ++b) {
    largest = std::max(largest, grid.items_of(BlockId{b}).size());
  }
  return largest;
}

/// Rows of each copy of a block.
std::vector<std::uint64_t> copied_items(const Grid& grid, const NodeShare& share) {
  if (share.places > 0) {
    return std::vector<std::uint64_t>(share.copies, rows_of_largest_block(grid));
  }
  std::vector<std::uint64_t> items;
  for (std::uint32_t b = 0; b < grid.blocks(); ++b) {
    items.push_back(grid.items_of(BlockId{b}).size());
  }
  return items;
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
  std::vector<std::uint64_t> items(share.places, rows_of_largest_block(grid));
  for (std::uint32_t b = 0; share.places == 0 && b < grid.blocks(); ++b) {
    items.push_back(grid.items_of(BlockId{b}).size());
  }
  const std::vector<std::uint64_t> copied = copied_items(grid, share);
  for (std::uint64_t& rows : items) rows += share.blank_rows ? kBlankRows : 0;
  strips_.resize(users.size());
  places_.resize(items.size());
  const std::size_t row = stride_ * sizeof(float);
  lay_out(cursor, users, row, &RowsPlace::factors, strips_);
  lay_out(cursor, items, row, &RowsPlace::factors, places_);
  lay_out(cursor, users, sizeof(RowState), &RowsPlace::states, strips_);
  lay_out(cursor, items, sizeof(RowState), &RowsPlace::states, places_);
  const std::size_t strips = strips_.size();
  blocks_offset_ = cursor.take(std::size_t{grid.blocks()} * kAlignment);
  progress_offset_ = cursor.take(strips * kAlignment);
  sums_offset_ = cursor.take(strips * grid.blocks() * sizeof(CellSums));
  gate_offset_ = cursor.take(2 * kAlignment);
  if (share.copies > 0) {
    strip_copies_.resize(users.size());
    block_copies_.resize(copied.size());
    lay_out(cursor, users, row, &RowsPlace::factors, strip_copies_);
    lay_out(cursor, users, sizeof(RowState), &RowsPlace::states, strip_copies_);
    lay_out(cursor, copied, row, &RowsPlace::factors, block_copies_);
    lay_out(cursor, copied, sizeof(RowState), &RowsPlace::states, block_copies_);
  }
  bytes_ = cursor.take(0);
}

void Tables::lay_out(OffsetCursor& cursor, const std::vector<std::uint64_t>& rows,
                     std::size_t row_bytes, std::size_t RowsPlace::*piece,
                     std::vector<RowsPlace>& places) {
  for (std::size_t n = 0; n < rows.size(); ++n) places[n].*piece = cursor.take(rows[n] * row_bytes);
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
  return block_in_place(block, at<std::uint32_t>(counters_of(block) + kPlace));
}
RowsView Tables::block_in_place(BlockId block, std::uint32_t place) const {
  return rows(places_.at(place), grid_.items_of(block).size());
}
void Tables::put(BlockId block, std::uint32_t place) const {
  at<std::uint32_t>(counters_of(block) + kPlace) = place;
}

/// One cache line per block and strip.
std::byte* Tables::counters_of(BlockId block) const {
  return memory_.data() + blocks_offset_ + std::size_t{block.value()} * kAlignment;
}
std::byte* Tables::counters_of(StripId strip) const {
  const std::size_t local = strip.value() - share_.strips.begin;
  return memory_.data() + progress_offset_ + local * kAlignment;
}
std::atomic<std::uint64_t>& Tables::turns(BlockId block) const {
  return at<std::atomic<std::uint64_t>>(counters_of(block));
}
std::atomic<std::uint64_t>& Tables::progress(StripId strip) const {
  return at<std::atomic<std::uint64_t>>(counters_of(strip));
}

void Tables::set_home(BlockId block, std::uint32_t place) const {
  at<std::uint32_t>(counters_of(block) + kCopyPlace) = place + 1;
}
std::uint32_t Tables::copy_place(BlockId block) const {
  return share_.places == 0 ? block.value() + 1
                            : at<std::uint32_t>(counters_of(block) + kCopyPlace);
}
RowsView Tables::copy_of(StripId strip) const {
  return rows(strip_copies_.at(strip.value() - share_.strips.begin), grid_.users_of(strip).size());
}
RowsView Tables::copy_of(BlockId block) const {
  return rows(block_copies_.at(copy_place(block) - 1), grid_.items_of(block).size());
}
std::atomic<std::uint64_t>& Tables::cut_of(StripId strip) const {
  return at<std::atomic<std::uint64_t>>(counters_of(strip) + kCutOfStrip);
}
std::atomic<std::uint64_t>& Tables::cut_of(BlockId block) const {
  return at<std::atomic<std::uint64_t>>(counters_of(block) + kCutOfBlock);
}

void Tables::copy_for_cut(StripId strip, BlockId block, std::uint64_t cut) const {
  copy_for_cut(strip, cut);
  if (copy_place(block) > 0) copy_for_cut(block, cut);
}
void Tables::copy_for_cut(StripId strip, std::uint64_t cut) const {
  if (cut_of(strip).load(std::memory_order_relaxed) >= cut) return;
  copy_rows(this->strip(strip), copy_of(strip));
  cut_of(strip).store(cut, std::memory_order_release);
}
void Tables::copy_for_cut(BlockId block, std::uint64_t cut) const {
  if (cut_of(block).load(std::memory_order_relaxed) >= cut) return;
  copy_rows(this->block(block), copy_of(block));
  cut_of(block).store(cut, std::memory_order_release);
}

std::atomic<std::uint64_t>& Tables::hold() const {
  return at<std::atomic<std::uint64_t>>(memory_.data() + gate_offset_);
}
std::atomic<std::uint64_t>& Tables::pause() const {
  return at<std::atomic<std::uint64_t>>(memory_.data() + gate_offset_ + kAlignment);
}
CellSums& Tables::sums(StripId strip, BlockId block) const {
  const std::size_t local = strip.value() - share_.strips.begin;
  return *(reinterpret_cast<CellSums*>(memory_.data() + sums_offset_) + local * grid_.blocks() +
           block.value());
}

}  // namespace factorps::ps

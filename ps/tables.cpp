#include "ps/tables.hpp"

#include <algorithm>

#include "common/aligned_buffer.hpp"
#include "common/check.hpp"

namespace factorps::ps {
namespace {

static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "shared between processes");

std::size_t padded(std::size_t dim) { return round_up(dim, kRowMultiple); }

std::size_t bytes_of_rows(std::uint64_t rows, std::size_t stride) {
  return round_up(rows * stride * sizeof(float), kAlignment) +
         round_up(rows * sizeof(RowState), kAlignment);
}

/// Hands out consecutive pieces of memory.
class Cursor {
 public:
  std::size_t take(std::size_t bytes) {
    const std::size_t at = next_;
    next_ += round_up(bytes, kAlignment);
    return at;
  }

 private:
  std::size_t next_ = 0;
};

std::uint64_t rows_of_largest_block(const Grid& grid) {
  std::uint64_t largest = 0;
  for (std::uint32_t b = 0; b < grid.blocks(); ++b) {
    largest = std::max(largest, grid.items_of(BlockId{b}).size());
  }
  return largest;
}

}  // namespace

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
    : grid_{grid}, dim_{dim}, stride_{padded(dim)}, share_{share} {
  Cursor cursor;
  for (std::uint32_t s = share.strips.begin; s < share.strips.end; ++s) {
    strip_offset_.push_back(cursor.take(bytes_of_rows(grid.users_of(StripId{s}).size(), stride_)));
  }
  const std::uint64_t largest = rows_of_largest_block(grid);
  for (std::uint32_t p = 0; p < (share.places > 0 ? share.places : grid.blocks()); ++p) {
    const std::uint64_t items = share.places > 0 ? largest : grid.items_of(BlockId{p}).size();
    place_offset_.push_back(cursor.take(bytes_of_rows(items + kBlankRows, stride_)));
  }
  const std::size_t strips = strip_offset_.size();
  blocks_offset_ = cursor.take(std::size_t{grid.blocks()} * kAlignment);
  progress_offset_ = cursor.take(strips * kAlignment);
  sums_offset_ = cursor.take(strips * grid.blocks() * sizeof(CellSums));
  bytes_ = cursor.take(0);
}

RowsView Tables::rows(std::size_t offset, std::uint64_t count, std::uint64_t blank) const {
  auto* factors = reinterpret_cast<float*>(memory_.data() + offset);
  const std::size_t bytes = round_up((count + blank) * stride_ * sizeof(float), kAlignment);
  return {factors, reinterpret_cast<RowState*>(memory_.data() + offset + bytes), stride_, count};
}

RowsView Tables::strip(StripId strip) const {
  return rows(strip_offset_.at(strip.value() - share_.strips.begin), grid_.users_of(strip).size(),
              0);
}
RowsView Tables::block(BlockId block) const {
  if (share_.places == 0) return block_in_place(block, block.value());
  return block_in_place(
      block, *reinterpret_cast<const std::uint32_t*>(counters_of(block) + sizeof(std::uint64_t)));
}
RowsView Tables::block_in_place(BlockId block, std::uint32_t place) const {
  return rows(place_offset_.at(place), grid_.items_of(block).size(), kBlankRows);
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

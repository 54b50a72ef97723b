#include "ps/tables.hpp"

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
  [[nodiscard]] std::size_t used() const noexcept { return next_; }

 private:
  std::size_t next_ = 0;
};

}  // namespace

std::size_t Tables::bytes_needed(const Grid& grid, std::size_t dim) {
  Cursor cursor;
  for (std::uint32_t s = 0; s < grid.strips(); ++s) {
    cursor.take(bytes_of_rows(grid.users_of(StripId{s}).size(), padded(dim)));
  }
  for (std::uint32_t b = 0; b < grid.blocks(); ++b) {
    cursor.take(bytes_of_rows(grid.items_of(BlockId{b}).size() + kBlankRows, padded(dim)));
  }
  cursor.take(std::size_t{grid.blocks()} * kAlignment);
  cursor.take(std::size_t{grid.strips()} * kAlignment);
  cursor.take(grid.cells() * sizeof(CellSums));
  return cursor.used();
}

Tables::Tables(std::span<std::byte> memory, const Grid& grid, std::size_t dim)
    : memory_{memory}, grid_{grid}, dim_{dim}, stride_{padded(dim)} {
  FACTORPS_CHECK(memory.size() >= bytes_needed(grid, dim));
  Cursor cursor;
  for (std::uint32_t s = 0; s < grid.strips(); ++s) {
    strip_offset_.push_back(cursor.take(bytes_of_rows(grid.users_of(StripId{s}).size(), stride_)));
  }
  for (std::uint32_t b = 0; b < grid.blocks(); ++b) {
    block_offset_.push_back(
        cursor.take(bytes_of_rows(grid.items_of(BlockId{b}).size() + kBlankRows, stride_)));
  }
  turns_offset_ = cursor.take(std::size_t{grid.blocks()} * kAlignment);
  progress_offset_ = cursor.take(std::size_t{grid.strips()} * kAlignment);
  sums_offset_ = cursor.take(grid.cells() * sizeof(CellSums));
}

RowsView Tables::rows(std::size_t offset, std::uint64_t count, std::uint64_t blank) const {
  auto* factors = reinterpret_cast<float*>(memory_.data() + offset);
  const std::size_t bytes = round_up((count + blank) * stride_ * sizeof(float), kAlignment);
  return {factors, reinterpret_cast<RowState*>(memory_.data() + offset + bytes), stride_, count};
}

RowsView Tables::strip(StripId strip) const {
  return rows(strip_offset_.at(strip.value()), grid_.users_of(strip).size(), 0);
}
RowsView Tables::block(BlockId block) const {
  return rows(block_offset_.at(block.value()), grid_.items_of(block).size(), kBlankRows);
}

std::atomic<std::uint64_t>& Tables::turns(BlockId block) const {
  return *reinterpret_cast<std::atomic<std::uint64_t>*>(memory_.data() + turns_offset_ +
                                                        std::size_t{block.value()} * kAlignment);
}
std::atomic<std::uint64_t>& Tables::progress(StripId strip) const {
  return *reinterpret_cast<std::atomic<std::uint64_t>*>(memory_.data() + progress_offset_ +
                                                        std::size_t{strip.value()} * kAlignment);
}
CellSums& Tables::sums(StripId strip, BlockId block) const {
  return *(reinterpret_cast<CellSums*>(memory_.data() + sums_offset_) +
           grid_.cell_index(strip, block));
}

}  // namespace factorps::ps

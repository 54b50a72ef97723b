#include "ps/tables.hpp"

#include <algorithm>

#include <gtest/gtest.h>
#include <sys/mman.h>

#include "common/aligned_buffer.hpp"

namespace factorps::ps {
namespace {

struct Piece {
  const std::byte* begin;
  std::size_t bytes;
};

/// Every object that the tables promise, with its size.
std::vector<Piece> pieces_of(const Tables& tables) {
  std::vector<Piece> pieces;
  const auto add = [&](const auto* object, std::size_t bytes) {
    pieces.push_back({reinterpret_cast<const std::byte*>(object), bytes});
  };
  const auto add_rows = [&](const RowsView& rows, std::size_t blank) {
    add(rows.factors, (rows.rows + blank) * rows.stride * sizeof(float));
    add(rows.states, (rows.rows + blank) * sizeof(RowState));
  };
  const Grid& grid = tables.grid();
  for (std::uint32_t s = 0; s < grid.strips(); ++s) add_rows(tables.strip(StripId{s}), 0);
  for (std::uint32_t b = 0; b < grid.blocks(); ++b) add_rows(tables.block(BlockId{b}), kBlankRows);
  for (std::uint32_t b = 0; b < grid.blocks(); ++b) add(&tables.turns(BlockId{b}), kAlignment);
  for (std::uint32_t s = 0; s < grid.strips(); ++s) add(&tables.progress(StripId{s}), kAlignment);
  for (std::uint32_t s = 0; s < grid.strips(); ++s) {
    for (std::uint32_t b = 0; b < grid.blocks(); ++b) {
      add(&tables.sums(StripId{s}, BlockId{b}), sizeof(CellSums));
    }
  }
  return pieces;
}

class TablesOf : public testing::TestWithParam<std::size_t> {
 protected:
  // An empty strip, an empty block, and sizes that are no multiple of anything.
  const Grid grid_{{0, 3, 3, 10}, {0, 5, 5, 6, 23}};
  const std::size_t dim_ = GetParam();
};

/// Nothing overlaps, and there is nothing but padding between. The memory is not touched.
void expect_packed(std::span<std::byte> memory, const Grid& grid, std::size_t dim) {
  const Tables tables{memory, grid, dim, whole_grid(grid)};
  auto pieces = pieces_of(tables);
  std::ranges::stable_sort(pieces, {}, &Piece::begin);
  const std::byte* end = memory.data();
  for (const Piece& piece : pieces) {
    ASSERT_GE(piece.begin, end);
    ASSERT_LT(piece.begin - end, static_cast<std::ptrdiff_t>(kAlignment));  // padding only
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(piece.begin) % kAlignment, 0U);
    end = piece.begin + piece.bytes;
  }
  EXPECT_EQ(round_up(static_cast<std::size_t>(end - memory.data()), kAlignment), memory.size());
}

TEST_P(TablesOf, OverlapNowhereAndFillTheirMemory) {
  AlignedBuffer<std::byte> memory{Tables::bytes_needed(grid_, dim_, whole_grid(grid_))};
  expect_packed(memory.span(), grid_, dim_);
}

// Addresses without memory behind them: factors of one strip end at 2^32 bytes, of another start
// beyond.
TEST(LargeTables, OverlapNowhereBeyond2To32Bytes) {
  constexpr std::uint64_t kRows = std::uint64_t{1} << 24;  // of 64 x 4 bytes: 2^32
  const Grid grid{{0, kRows, kRows + 1, 3 * kRows + 7}, {0, 65536, 65537}};
  const std::size_t size = Tables::bytes_needed(grid, 64, whole_grid(grid));
  EXPECT_GT(size, 3 * (std::uint64_t{1} << 32));
  void* memory =
      ::mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  expect_packed({static_cast<std::byte*>(memory), size}, grid, 64);
  ::munmap(memory, size);
}

TEST_P(TablesOf, HaveRowsOfWholeCacheLines) {
  AlignedBuffer<std::byte> memory{Tables::bytes_needed(grid_, dim_, whole_grid(grid_))};
  const Tables tables{memory.span(), grid_, dim_, whole_grid(grid_)};
  for (const RowsView& rows : {tables.strip(StripId{2}), tables.block(BlockId{3})}) {
    EXPECT_EQ(rows.stride % kRowMultiple, 0U);
    EXPECT_GE(rows.stride, dim_);
    EXPECT_LT(rows.stride, dim_ + kRowMultiple);
  }
  EXPECT_EQ(tables.strip(StripId{2}).rows, 7U);
  EXPECT_EQ(tables.block(BlockId{3}).rows, 17U);
  EXPECT_EQ(tables.block(BlockId{1}).rows, 0U);
  EXPECT_EQ(tables.dim(), dim_);
}

INSTANTIATE_TEST_SUITE_P(Dims, TablesOf, testing::Values(1, 8, 16, 17, 100));

TEST(Tables, AreTheSameForEveryoneOverTheSameMemory) {
  const Grid grid{{0, 3}, {0, 5}};
  AlignedBuffer<std::byte> memory{Tables::bytes_needed(grid, 16, whole_grid(grid))};
  const Tables one{memory.span(), grid, 16, whole_grid(grid)};
  const Tables two{memory.span(), grid, 16, whole_grid(grid)};
  one.strip(StripId{0}).factors[5] = 7;
  one.turns(BlockId{0}) = 3;
  EXPECT_EQ(two.strip(StripId{0}).factors[5], 7);
  EXPECT_EQ(two.turns(BlockId{0}), 3U);
}

TEST(TablesDeathTest, RefuseTooLittleMemory) {
  const Grid grid{{0, 3}, {0, 5}};
  AlignedBuffer<std::byte> memory{Tables::bytes_needed(grid, 16, whole_grid(grid))};
  EXPECT_DEATH((Tables{memory.span().first(memory.size() - 1), grid, 16, whole_grid(grid)}),
               "bytes_needed");
}

}  // namespace
}  // namespace factorps::ps

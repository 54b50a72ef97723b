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
  add(&tables.hold(), kAlignment);
  add(&tables.pause(), kAlignment);
  if (!tables.has_copies()) return pieces;
  for (std::uint32_t s = 0; s < grid.strips(); ++s) add_rows(tables.copy_of(StripId{s}), 0);
  for (std::uint32_t b = 0; b < grid.blocks(); ++b) add_rows(tables.copy_of(BlockId{b}), 0);
  return pieces;
}

class TablesOf : public testing::TestWithParam<std::size_t> {
 protected:
  // An empty strip, an empty block, and sizes that are no multiple of anything.
  const Grid grid_{{0, 3, 3, 10}, {0, 5, 5, 6, 23}};
  const std::size_t dim_ = GetParam();
};

/// Nothing overlaps, and there is nothing but padding between. The memory is not touched.
void expect_packed(std::span<std::byte> memory, const Grid& grid, std::size_t dim,
                   NodeShare share) {
  const Tables tables{memory, grid, dim, share};
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

TEST_P(TablesOf, CopyForACutOnceAndOnlyWhatIsAtHome) {
  NodeShare share = whole_grid(grid_);
  share.copies = grid_.blocks();
  AlignedBuffer<std::byte> memory{Tables::bytes_needed(grid_, dim_, share)};
  const Tables tables{memory.span(), grid_, dim_, share};
  const StripId strip{2};
  const BlockId block{3};
  tables.strip(strip).factors[0] = 1;
  tables.strip(strip).states[6] = {2, 3};
  tables.block(block).factors[16 * tables.stride()] = 4;
  tables.copy_for_cut(strip, block, 5);
  tables.strip(strip).factors[0] = 6;
  tables.copy_for_cut(strip, block, 5);  // is there already
  EXPECT_EQ(tables.copy_of(strip).factors[0], 1);
  EXPECT_EQ(tables.copy_of(strip).states[6].accumulator, 3);
  EXPECT_EQ(tables.copy_of(block).factors[16 * tables.stride()], 4);
  EXPECT_EQ(tables.cut_of(block), 5U);
  EXPECT_EQ(tables.cut_of(StripId{0}), 0U);
  tables.copy_for_cut(strip, block, 6);
  EXPECT_EQ(tables.copy_of(strip).factors[0], 6);

  share.places = 2;
  share.copies = 1;
  AlignedBuffer<std::byte> other{Tables::bytes_needed(grid_, dim_, share)};
  const Tables travelling{other.span(), grid_, dim_, share};
  travelling.set_home(block, 0);
  travelling.put(block, 1);
  travelling.put(BlockId{0}, 0);
  travelling.block(block).factors[0] = 7;
  travelling.copy_for_cut(strip, block, 1);
  travelling.copy_for_cut(strip, BlockId{0}, 1);  // a guest
  EXPECT_EQ(travelling.copy_of(block).factors[0], 7);
  EXPECT_EQ(travelling.cut_of(BlockId{0}), 0U);
}

TEST_P(TablesOf, OverlapNowhereAndFillTheirMemory) {
  NodeShare with_copies = whole_grid(grid_);
  with_copies.copies = grid_.blocks();
  for (const NodeShare& share : {whole_grid(grid_), with_copies}) {
    AlignedBuffer<std::byte> memory{Tables::bytes_needed(grid_, dim_, share)};
    expect_packed(memory.span(), grid_, dim_, share);
  }
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
  expect_packed({static_cast<std::byte*>(memory), size}, grid, 64, whole_grid(grid));
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

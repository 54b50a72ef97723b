#include "ps/residents.hpp"

#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>

#include "tests/support/synthetic_dataset.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps::ps {
namespace {

using Rows = std::vector<std::uint32_t>;

TEST(TravellingRows, AreThoseOfSeveralNodes) {
  const std::vector<std::uint16_t> nodes{0, 1, 2, 1, 3};
  EXPECT_EQ(travelling_rows(nodes, LeaseMode::sparse), (Rows{2, 4}));
  EXPECT_EQ(travelling_rows(nodes, LeaseMode::dense), (Rows{0, 1, 2, 3, 4}));
}

TEST(TravellingRows, AreAllWhereLessThanAQuarterWouldStay) {
  EXPECT_EQ(travelling_rows(std::vector<std::uint16_t>{2, 2, 2, 1}, LeaseMode::automatic),
            (Rows{0, 1, 2}));
  EXPECT_EQ(travelling_rows(std::vector<std::uint16_t>{2, 2, 2, 2, 1}, LeaseMode::automatic),
            (Rows{0, 1, 2, 3, 4}));
}

TEST(TouchedRows, AreThoseOfAnyPart) {
  const test::TemporaryDirectory directory;
  const Dataset dataset{test::write_synthetic(directory / "d.h5", {60, 40, 4, 3, 12, 1})};
  const auto touched = touched_rows(dataset, {1, 3}, BlockId{1});
  const RowRange items = dataset.grid().items_of(BlockId{1});
  ASSERT_EQ(touched.size(), items.size());
  for (std::uint64_t row = 0; row < items.size(); ++row) {
    bool expected = false;
    for (const Part part : kParts) {
      for (const std::uint32_t strip : {1U, 2U}) {
        const auto cell = dataset.cell(part, StripId{strip}, BlockId{1});
        expected = expected || std::ranges::find(cell.items, row) != cell.items.end();
      }
    }
    EXPECT_EQ(touched[row], expected ? 1 : 0) << row;
  }
}

TEST(ResidentRows, AreThoseOfThisNodeAndAtHomeThoseOfNobody) {
  const Grid grid{{0, 1}, {0, 5}};
  const std::vector<std::uint16_t> touched{0, 1, 1, 0, 1};
  Residents guest{grid, 16};
  guest.declare(BlockId{0}, {2, 4}, touched, false);
  EXPECT_TRUE(guest.in_part(BlockId{0}));
  EXPECT_EQ(Rows(guest.staying(BlockId{0}).begin(), guest.staying(BlockId{0}).end()), (Rows{1}));
  EXPECT_EQ(guest.num_staying(), 1U);
  EXPECT_EQ(guest.num_travelling(), 2U);
  EXPECT_EQ(guest.kept(BlockId{0}).rows, 1U);
  EXPECT_EQ(guest.kept(BlockId{0}).stride, 16U);
  Residents home{grid, 16};
  home.declare(BlockId{0}, {2, 4}, touched, true);
  EXPECT_EQ(Rows(home.staying(BlockId{0}).begin(), home.staying(BlockId{0}).end()),
            (Rows{0, 1, 3}));
  Residents dense{grid, 16};
  dense.declare(BlockId{0}, {0, 1, 2, 3, 4}, touched, true);
  EXPECT_FALSE(dense.in_part(BlockId{0}));
  EXPECT_TRUE(dense.staying(BlockId{0}).empty());
  EXPECT_EQ(dense.num_travelling(), 5U);
}

TEST(GatheredRows, ComeBackWhereTheyWere) {
  constexpr std::size_t kRows = 6;
  AlignedBuffer<float> factors{kRows * 16};
  AlignedBuffer<RowState> states{kRows};
  std::iota(factors.span().begin(), factors.span().end(), 1.0F);
  for (std::size_t r = 0; r < kRows; ++r) states.data()[r] = {static_cast<float>(r), 0.5F};
  const RowsView all{factors.data(), states.data(), 16, kRows};
  const Rows which{1, 5};
  AlignedBuffer<float> packed{2 * 16};
  AlignedBuffer<RowState> packed_states{2};
  const RowsView some{packed.data(), packed_states.data(), 16, 2};
  gather_rows(all, which, some);
  EXPECT_EQ(some.factors[0], all.factors[16]);
  EXPECT_EQ(some.factors[31], all.factors[95]);
  EXPECT_EQ(some.states[1].bias, 5);
  some.factors[31] = -1;
  some.states[0].bias = 9;
  scatter_rows(some, which, all);
  EXPECT_EQ(all.factors[95], -1);
  EXPECT_EQ(all.states[1].bias, 9);
  EXPECT_EQ(all.factors[32], 33);  // row 2 as it was
}

}  // namespace
}  // namespace factorps::ps

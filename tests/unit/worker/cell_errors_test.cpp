#include "worker/cell_errors.hpp"

#include <gtest/gtest.h>

#include "tests/support/synthetic_dataset.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps::worker {
namespace {

/// Two users, two items; user 1 and item 1 are cold. Values are stored as (original - 3) / 2.
DatasetContents contents() {
  DatasetContents data;
  data.user_ids = IdTable::of_integers({1, 2});
  data.item_ids = IdTable::of_integers({1, 2});
  data.grid = {{0, 1, 2}, {0, 2}};
  data.normalisation = {NormaliseBy::global, {3.0F}, {2.0F}};
  data.value_min = 1;
  data.value_max = 5;
  auto& rows = data.interactions;
  rows.users = {0, 0, 0, 1, 1};
  rows.items = {0, 0, 1, 0, 1};
  rows.values = {0, 0.5F, 1, -1, 1};  // 3, 4, 5, 1, 5
  rows.parts = {Part::train, Part::test, Part::test, Part::test, Part::test};
  return data;
}

TEST(ErrorsOfCell, AreInOriginalUnitsClippedAndCountedByCold) {
  const test::TemporaryDirectory directory;
  write_dataset(directory / "data.h5", contents());
  const Dataset dataset{directory / "data.h5"};
  const auto sums_of = [&](std::uint32_t strip, const std::vector<float>& predictions) {
    const CellView cell = dataset.cell(Part::test, StripId{strip}, BlockId{0});
    return errors_of_cell(dataset, cell, StripId{strip}, BlockId{0}, predictions);
  };
  // Predicted 5 and 7 for 4 and 5.
  const eval::ErrorSums warm = sums_of(0, {1.0F, 2.0F});
  EXPECT_EQ(warm, (eval::ErrorSums{2, 1 + 4, 1 + 2, 1, 1, 0, 1, 0}));
  // Predicted 0 and 5 for 1 and 5.
  const eval::ErrorSums cold = sums_of(1, {-1.5F, 1.0F});
  EXPECT_EQ(cold, (eval::ErrorSums{2, 1, 1, 0, 0, 1, 0, 1}));
}

TEST(ToCellSums, KeepsTheOrderOfTheFields) {
  EXPECT_EQ(to_cell_sums({1, 2, 3, 4, 5, 6, 7, 8}), (ps::CellSums{1, 2, 3, 4, 5, 6, 7, 8}));
}

}  // namespace
}  // namespace factorps::worker

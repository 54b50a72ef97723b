#include "model/initial.hpp"

#include <array>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace factorps {
namespace {

std::vector<float> row_of(std::uint64_t index, std::size_t dim, float std = 1,
                          std::uint64_t seed = 1, Purpose table = Purpose::init_user) {
  std::vector<float> row(dim);
  initial_row(row, index, seed, table, std);
  return row;
}

TEST(InitialRow, DependsOnItsKeyAlone) {
  const auto late = row_of(5, 4);
  static_cast<void>(row_of(7, 4));
  EXPECT_EQ(row_of(5, 4), late);
  const auto longer = row_of(5, 8);  // a column does not know how many there are
  EXPECT_EQ((std::vector<float>{longer.begin(), longer.begin() + 4}), late);
}

TEST(InitialRow, DependsOnEveryPartOfItsKey) {
  const auto one = row_of(5, 4);
  EXPECT_NE(one, row_of(6, 4));
  EXPECT_NE(one, row_of(5 + (std::uint64_t{1} << 32), 4));
  EXPECT_NE(one, row_of(5, 4, 1, 2));
  EXPECT_NE(one, row_of(5, 4, 1, 1 + (std::uint64_t{1} << 32)));
  EXPECT_NE(one, row_of(5, 4, 1, 1, Purpose::init_item));
}

TEST(InitialRow, HasTheMeanAndVarianceAskedFor) {
  constexpr std::size_t kDim = 50;
  constexpr std::size_t kRows = 1000;
  constexpr double kStd = 0.25;
  double sum = 0;
  double squares = 0;
  for (std::size_t r = 0; r < kRows; ++r) {
    for (const float x : row_of(r, kDim, static_cast<float>(kStd))) {
      sum += double{x};
      squares += double{x} * double{x};
      ASSERT_LE(std::abs(x), kStd * 2 * std::sqrt(3.0) * 1.000001);  // four uniforms end there
    }
  }
  const double n = kDim * kRows;
  // The mean has standard deviation s / sqrt(n). The fourth moment of the sum of four uniforms is
  // 2.7 s^4, so the mean square has s^2 sqrt(1.7 / n). Five standard deviations of each.
  EXPECT_NEAR(sum / n, 0, 5 * kStd / std::sqrt(n));
  EXPECT_NEAR(squares / n, kStd * kStd, 5 * kStd * kStd * std::sqrt(1.7 / n));
}

// Frozen: other values would train another model from the same seed. Computed apart from this
// code, by a few lines of Python.
TEST(InitialRow, IsFrozen) {
  const std::vector<float> row = row_of(3, 4, 0.5F, 7, Purpose::init_item);
  EXPECT_EQ(row,
            (std::vector<float>{-0x1.27442cp+0F, 0x1.b3165p-1F, -0x1.733264p-4F, 0x1.5711dcp-1F}));
}

}  // namespace
}  // namespace factorps

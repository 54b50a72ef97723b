#include "common/keyed_permutation.hpp"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace factorps {
namespace {

TEST(KeyedPermutation, HitsEveryNumberOnce) {
  for (const std::uint64_t n : {1U, 2U, 3U, 4U, 5U, 17U, 1000U, 4096U, 4097U}) {
    for (const std::uint64_t key : {0U, 1U, 77U}) {
      const KeyedPermutation permute{n, key};
      std::vector<int> hits(n);
      for (std::uint64_t k = 0; k < n; ++k) ++hits.at(permute(k));
      EXPECT_EQ(hits, std::vector<int>(n, 1)) << n << " " << key;
    }
  }
}

TEST(KeyedPermutation, WorksBeyond32Bits) {
  const std::uint64_t n = (std::uint64_t{1} << 33) + 5;
  const KeyedPermutation permute{n, 9};
  for (const std::uint64_t k : {std::uint64_t{0}, n / 2, n - 1}) EXPECT_LT(permute(k), n);
}

/// Pairs of neighbours land anywhere: their distances have the mean n / 3 of a random permutation.
/// Its standard deviation is below n / sqrt(18 n), and six of those are allowed.
TEST(KeyedPermutation, TearsNeighboursApart) {
  constexpr std::uint64_t kSize = 20000;
  const KeyedPermutation permute{kSize, 12345};
  const KeyedPermutation other{kSize, 12346};
  double distance = 0;
  std::uint64_t same = 0;
  for (std::uint64_t k = 0; k + 1 < kSize; ++k) {
    distance += std::fabs(static_cast<double>(permute(k)) - static_cast<double>(permute(k + 1)));
    if (permute(k) == other(k)) ++same;
  }
  EXPECT_NEAR(distance / kSize / (kSize - 1), 1.0 / 3, 6 / std::sqrt(18.0 * kSize));
  EXPECT_LT(same, 20);  // Poisson with mean 1
}

}  // namespace
}  // namespace factorps

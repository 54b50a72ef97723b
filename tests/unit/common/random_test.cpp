#include "common/random.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

namespace factorps {
namespace {

using Words = std::array<std::uint32_t, 4>;

// The known answers of Random123 1.14 (kat_vectors, "philox4x32 10").
TEST(Philox, GivesThePublishedAnswers) {
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({~0U, ~0U, ~0U, ~0U}, {~0U, ~0U}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(RandomStream, PutsEachPartOfTheKeyInItsPlace) {
  const RandomStream stream{0x299f31d0a4093822, Purpose{0x03707344}};
  EXPECT_EQ(stream.bits(0x85a308d3243f6a88, 0x13198a2e), 0xd16cfe0994fdccebU);
}

TEST(RandomStream, ScalesTheFirst53BitsToTheUnitInterval) {
  const RandomStream stream{7, Purpose::generate};
  for (std::uint64_t row = 0; row < 100; ++row) {
    const auto bits = stream.bits(row);
    EXPECT_EQ(stream.uniform(row), std::ldexp(static_cast<double>(bits >> 11), -53));
    EXPECT_EQ(stream.below(8, row), bits >> 61);
  }
}

TEST(RandomStream, StaysBelowItsBound) {
  const RandomStream stream{7, Purpose::generate};
  EXPECT_EQ(stream.below(1, 3), 0U);
  std::array<int, 3> seen{};
  for (std::uint64_t row = 0; row < 3000; ++row) ++seen.at(stream.below(3, row));
  // Binomial(3000, 1/3): mean 1000, standard deviation 26; six of them.
  for (const int count : seen) EXPECT_NEAR(count, 1000, 6 * 26);
}

TEST(RandomStream, DrawsStandardNormals) {
  const RandomStream stream{7, Purpose::generate};
  constexpr int kDraws = 20000;
  double sum = 0;
  double squares = 0;
  for (std::uint64_t row = 0; row < kDraws; ++row) {
    const double x = stream.normal(row);
    sum += x;
    squares += x * x;
  }
  // The mean has standard deviation 1/sqrt(n), the mean square sqrt(2/n); five of each.
  EXPECT_NEAR(sum / kDraws, 0, 5 / std::sqrt(kDraws));
  EXPECT_NEAR(squares / kDraws, 1, 5 * std::sqrt(2.0 / kDraws));
}

TEST(SeededPermutation, HoldsEveryNumberOnce) {
  for (const std::uint32_t n : {0U, 1U, 2U, 17U, 1000U}) {
    auto order = seeded_permutation(n, 5, Purpose::permute_users);
    std::ranges::sort(order);
    std::vector<std::uint32_t> expected(n);
    std::iota(expected.begin(), expected.end(), 0U);
    EXPECT_EQ(order, expected);
  }
}

// Frozen; computed apart from this code, by a few lines of Python.
TEST(SeededPermutation, IsFrozen) {
  EXPECT_EQ(seeded_permutation(8, 1, Purpose::block_order),
            (std::vector<std::uint32_t>{6, 2, 3, 7, 5, 4, 1, 0}));
}

TEST(SeededPermutation, DependsOnSeedAndPurpose) {
  const auto one = seeded_permutation(100, 1, Purpose::permute_users);
  EXPECT_NE(one, seeded_permutation(100, 2, Purpose::permute_users));
  EXPECT_NE(one, seeded_permutation(100, 1, Purpose::permute_items));
}

}  // namespace
}  // namespace factorps

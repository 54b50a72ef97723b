#include "common/exact_sum.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "common/random.hpp"

namespace factorps {
namespace {

std::vector<float> terms(std::size_t n) {
  const RandomStream random{3, Purpose::generate};
  std::vector<float> values;
  for (std::size_t k = 0; k < n; ++k) {
    // Of very different sizes, so that floats and doubles would lose digits in an order of theirs.
    const double size = std::ldexp(1.0, static_cast<int>(random.below(40, k)) - 28);
    values.push_back(static_cast<float>(size * random.normal(k, 1) / 4));
  }
  return values;
}

TEST(ExactSum, IsTheSameInEveryOrderAndGrouping) {
  const auto values = terms(kExactTerms);
  ASSERT_TRUE(can_add_exactly(values.data(), values.size()));
  double forward = 0;
  double backward = 0;
  double grouped[2] = {0, 0};
  for (std::size_t n = 0; n < values.size(); ++n) {
    add_exactly(&values[n], 1, &forward);
    add_exactly(&values[values.size() - 1 - n], 1, &backward);
    add_exactly(&values[n], 1, &grouped[n % 2]);
  }
  EXPECT_EQ(forward, backward);
  EXPECT_EQ(forward, grouped[0] + grouped[1]);
}

TEST(ExactSum, RoundsToTheNextQuantum) {
  EXPECT_EQ(to_quanta(1.5F), 1.5);
  EXPECT_EQ(to_quanta(-kExactTerm), -4096.0);
  EXPECT_EQ(to_quanta(static_cast<float>(kExactQuantum * 0.75)), kExactQuantum);
  EXPECT_EQ(to_quanta(static_cast<float>(kExactQuantum * 0.25)), 0.0);
  for (const float x : terms(1000)) EXPECT_NEAR(to_quanta(x), x, kExactQuantum / 2);
}

TEST(ExactSum, RefusesWhatWouldLoseDigits) {
  const std::vector<float> good{1, -4095.9F, 0};
  EXPECT_TRUE(can_add_exactly(good.data(), good.size()));
  for (const float bad : {4096.0F, -1e30F, std::numeric_limits<float>::infinity(),
                          std::numeric_limits<float>::quiet_NaN()}) {
    const std::vector<float> values{1, bad, 2};
    EXPECT_FALSE(can_add_exactly(values.data(), values.size())) << bad;
  }
}

}  // namespace
}  // namespace factorps

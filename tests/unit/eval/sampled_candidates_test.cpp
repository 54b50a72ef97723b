#include "eval/sampled_candidates.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "eval/full_ranking.hpp"

namespace factorps::eval {
namespace {

const std::vector<std::uint32_t> kRelevant{2, 5};
const RandomStream kStream{1, Purpose::sample_candidates};

/// Scores of 12 items, of which 0 and 7 are excluded. @return which are left after sampling
std::vector<std::uint32_t> left(std::uint64_t count, std::uint64_t user,
                                const RandomStream& stream = kStream) {
  std::vector<float> scores(12, 1.0F);
  scores[0] = kNoCandidate;
  scores[7] = kNoCandidate;
  keep_sample(scores, kRelevant, count, stream, user);
  std::vector<std::uint32_t> items;
  for (std::uint32_t item = 0; item < scores.size(); ++item) {
    if (!std::isnan(scores[item])) items.push_back(item);
  }
  return items;
}

TEST(GivenCandidates, AreTheRelevantOnesAndThoseGiven) {
  std::vector<float> scores(12, 1.0F);
  scores[0] = kNoCandidate;
  scores[5] = kNoCandidate;  // relevant, but known before
  const std::vector<std::uint32_t> given{0, 3, 11};
  keep_given(scores, kRelevant, given);
  std::vector<std::uint32_t> items;
  for (std::uint32_t item = 0; item < scores.size(); ++item) {
    if (!std::isnan(scores[item])) items.push_back(item);
  }
  EXPECT_EQ(items, (std::vector<std::uint32_t>{2, 3, 11}));
}

TEST(SampledCandidates, AreTheRelevantOnesAndSomeOthers) {
  for (std::uint64_t user = 0; user < 50; ++user) {
    const auto items = left(3, user);
    EXPECT_EQ(items.size(), 5U);
    for (const std::uint32_t item : kRelevant) EXPECT_TRUE(std::ranges::count(items, item) == 1);
    for (const std::uint32_t item : {0U, 7U}) EXPECT_TRUE(std::ranges::count(items, item) == 0);
  }
  EXPECT_EQ(left(8, 0).size(), 10U);
  EXPECT_EQ(left(100, 0).size(), 10U);  // as many as there are
}

TEST(SampledCandidates, DependOnSeedAndUserAlone) {
  EXPECT_EQ(left(3, 4), left(3, 4));
  EXPECT_NE(left(3, 4), left(3, 5));
  EXPECT_NE(left(3, 4), left(3, 4, RandomStream{2, Purpose::sample_candidates}));
}

TEST(SampledCandidates, AreUniform) {
  std::vector<double> times(12);
  constexpr int kUsers = 8000;
  for (std::uint64_t user = 0; user < kUsers; ++user) {
    for (const std::uint32_t item : left(2, user)) ++times[item];
  }
  // Of 8 others 2 each: 2000 times, standard deviation sqrt(8000 / 4 * 3 / 4) = 39.
  for (const std::uint32_t item : {1U, 3U, 4U, 6U, 8U, 9U, 10U, 11U}) {
    EXPECT_NEAR(times[item], 2000, 5 * 39) << item;
  }
}

}  // namespace
}  // namespace factorps::eval

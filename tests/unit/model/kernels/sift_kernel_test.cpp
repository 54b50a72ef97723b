#include "model/kernels/sift_kernel.hpp"

#include <limits>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/random.hpp"

namespace factorps {
namespace {

constexpr float kNone = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr std::size_t kCounts[]{0, 1, 15, 16, 63, 64, 77, 1000, 1024};

/// Few values, so that many are equal, and what is no number.
std::vector<float> coarse_scores(std::size_t count) {
  const RandomStream stream{2, Purpose::generate};
  std::vector<float> scores(count);
  for (std::size_t n = 0; n < count; ++n) {
    scores[n] = n % 10 == 3 ? kNone : static_cast<float>(stream.below(5, n));
  }
  scores[1] = -kInfinity;
  return scores;
}

std::string where(InstructionSet set, std::size_t count) {
  return std::string{name_of(set)} + ' ' + std::to_string(count);
}

/// What a kernel gives, in memory that is no larger than it may ask for.
struct Outcome {
  Outcome(const SiftKernels& kernels, std::span<const float> scores, float least, float limit)
      : kept(scores.size() + kRowMultiple), positions(scores.size() + kRowMultiple) {
    const auto sifted =
        kernels.sift(scores.data(), scores.size(), least, kept.data(), limit, positions.data());
    kept.resize(sifted.kept);
    positions.resize(sifted.found);
  }
  std::vector<float> kept;
  std::vector<std::uint32_t> positions;
};

TEST(SiftKernel, KeepsAndFindsWhatIsHigh) {
  const auto scores = coarse_scores(kSiftBlock);
  for (const Kernels& kernels : usable_kernels()) {
    for (const std::size_t count : kCounts) {
      for (const float bound : {-kInfinity, -1.0F, 0.0F, 2.5F, 4.0F, kInfinity}) {
        const auto some = std::span{scores}.first(count);
        std::vector<float> kept;
        std::vector<std::uint32_t> above;
        for (std::size_t n = 0; n < count; ++n) {
          if (some[n] >= bound) kept.push_back(some[n]);
          if (some[n] > bound) above.push_back(static_cast<std::uint32_t>(n));
        }
        const Outcome got{sift_kernels_of(kernels.set), some, bound, bound};
        EXPECT_EQ(got.kept, kept) << where(kernels.set, count) << " " << bound;
        EXPECT_EQ(got.positions, above) << where(kernels.set, count) << " " << bound;
      }
    }
  }
}

TEST(SiftKernel, FindsWhatStandsAmongNoNumbers) {
  for (const Kernels& kernels : usable_kernels()) {
    for (std::size_t at = 0; at < 100; ++at) {
      std::vector<float> scores(100, kNone);
      scores[at] = 7;
      const Outcome got{sift_kernels_of(kernels.set), scores, 7, 6};
      EXPECT_EQ(got.kept, std::vector<float>{7}) << where(kernels.set, at);
      EXPECT_EQ(got.positions, std::vector{static_cast<std::uint32_t>(at)})
          << where(kernels.set, at);
    }
  }
}

TEST(SiftKernel, FindsWithoutKeeping) {
  const auto scores = coarse_scores(100);
  for (const Kernels& kernels : usable_kernels()) {
    const SiftKernels sift = sift_kernels_of(kernels.set);
    std::vector<std::uint32_t> positions(scores.size() + kRowMultiple);
    const auto sifted = sift.sift(scores.data(), scores.size(), 0, nullptr, 2, positions.data());
    EXPECT_EQ(sifted.kept, 0U);
    positions.resize(sifted.found);
    EXPECT_EQ(positions, (Outcome{sift, scores, 0, 2}.positions)) << name_of(kernels.set);
  }
}

std::vector<Places> places_among(std::span<const float> scores, std::span<const float> wanted) {
  std::vector<Places> places(wanted.size(), Places{3, 4});
  for (std::size_t w = 0; w < wanted.size(); ++w) {
    for (const float score : scores) {
      places[w].above += score > wanted[w] ? 1U : 0U;
      places[w].equal += score == wanted[w] ? 1U : 0U;
    }
  }
  return places;
}

void expect_equal(const std::vector<Places>& got, const std::vector<Places>& want,
                  const std::string& whose) {
  for (std::size_t w = 0; w < want.size(); ++w) {
    EXPECT_EQ(got[w].above, want[w].above) << whose << " " << w;
    EXPECT_EQ(got[w].equal, want[w].equal) << whose << " " << w;
  }
}

TEST(SiftKernel, CountsPlaces) {
  const auto scores = coarse_scores(2500);
  const std::vector<float> wanted{scores[1], -1, 0, 0, 2, 2.5F, 4, 9};
  for (const Kernels& kernels : usable_kernels()) {
    for (const std::size_t count : {0U, 1U, 15U, 16U, 64U, 77U, 1024U, 1030U, 2500U}) {
      for (std::size_t skipped = 0; skipped <= wanted.size(); ++skipped) {
        const auto some = std::span{wanted}.subspan(skipped);
        const auto among = std::span{scores}.first(count);
        std::vector<Places> got(some.size(), Places{3, 4});
        sift_kernels_of(kernels.set)
            .add_places(among.data(), count, some.data(), some.size(), got.data());
        expect_equal(got, places_among(among, some), where(kernels.set, count));
      }
    }
  }
}

TEST(SiftKernel, CountsPlacesOfWhatWasKept) {
  const std::vector<float> wanted{1, 1, 2, 3, 3.5F, 4, 4, 5, 5, 6};
  for (const Kernels& kernels : usable_kernels()) {
    for (const std::size_t count : kCounts) {
      std::vector<float> kept(count);
      for (std::size_t n = 0; n < count; ++n) kept[n] = static_cast<float>(1 + n * n % 5);
      for (std::size_t size = 1; size <= wanted.size(); ++size) {
        const auto some = std::span{wanted}.first(size);
        std::vector<Places> got(size, Places{3, 4});
        std::vector<float> memory = kept;
        memory.resize(count + kRowMultiple, 9.0F);
        sift_kernels_of(kernels.set)
            .count_places(memory.data(), count, some.data(), size, got.data());
        expect_equal(got, places_among(kept, some), where(kernels.set, count));
      }
    }
  }
}

}  // namespace
}  // namespace factorps

#include "model/kernels/score_kernel.hpp"

#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "common/aligned_buffer.hpp"
#include "common/random.hpp"

namespace factorps {
namespace {

TEST(ScoreKernel, PacksLikeTheReference) {
  const RandomStream stream{1, Purpose::generate};
  for (const Kernels& kernels : usable_kernels()) {
    for (const std::size_t depth : {1U, 4U, 7U, 32U, 65U}) {
      for (const std::size_t count : {1U, 5U, 31U, 32U}) {
        const std::size_t stride = depth + 3;
        std::vector<float> rows(count * stride);  // no longer: a sanitizer sees a read beyond it
        for (std::size_t n = 0; n < rows.size(); ++n) {
          rows[n] = static_cast<float>(stream.uniform(n));
        }
        AlignedBuffer<float> got{depth * kProductStrip};
        AlignedBuffer<float> want{depth * kProductStrip};
        std::ranges::fill(got.span(), 9.0F);
        score_kernels(kernels.set).pack(rows.data(), stride, count, depth, got.data());
        for (std::size_t k = 0; k < depth; ++k) {
          for (std::size_t n = 0; n < count; ++n) {
            want.data()[k * kProductStrip + n] = rows[n * stride + k];
          }
        }
        for (std::size_t n = 0; n < got.size(); ++n) {
          ASSERT_EQ(got.data()[n], want.data()[n])
              << name_of(kernels.set) << " depth " << depth << " count " << count << " at " << n;
        }
      }
    }
  }
}

TEST(ScoreKernel, CountsPlacesLikeTheReference) {
  const RandomStream stream{2, Purpose::generate};
  std::vector<float> scores(77);
  for (std::size_t n = 0; n < scores.size(); ++n) {
    scores[n] = n % 10 == 3 ? std::numeric_limits<float>::quiet_NaN()
                            : static_cast<float>(stream.below(5, n));
  }
  scores[1] = -std::numeric_limits<float>::infinity();
  for (const Kernels& kernels : usable_kernels()) {
    for (const std::size_t count : {0U, 1U, 15U, 16U, 64U, 77U}) {
      for (const float score : {-1.0F, 0.0F, 2.0F, 4.0F, scores[1]}) {
        const Places got = score_kernels(kernels.set).places(scores.data(), count, score);
        std::uint32_t above = 0;
        std::uint32_t equal = 0;
        for (std::size_t n = 0; n < count; ++n) {
          above += scores[n] > score ? 1U : 0U;
          equal += scores[n] == score ? 1U : 0U;
        }
        EXPECT_EQ(got.above, above) << name_of(kernels.set) << " " << count << " " << score;
        EXPECT_EQ(got.equal, equal) << name_of(kernels.set) << " " << count << " " << score;
        for (const std::size_t from : {std::size_t{0}, count / 2, count}) {
          std::size_t next = from;
          while (next < count && !(scores[next] > score)) ++next;
          EXPECT_EQ(score_kernels(kernels.set).next_above(scores.data(), from, count, score), next);
        }
      }
    }
  }
}

}  // namespace
}  // namespace factorps

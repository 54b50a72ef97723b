#include "model/kernels/score_kernel.hpp"

#include <limits>
#include <span>
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

/// One strip of users and one of items.
struct Strips {
  explicit Strips(std::size_t columns)
      : depth{columns},
        users{depth * kProductStrip},
        items{depth * kProductStrip},
        base{kProductStrip},
        bias{kProductStrip} {
    const RandomStream stream{3, Purpose::generate};
    std::uint64_t n = 0;
    for (AlignedBuffer<float>* part : {&users, &items, &base, &bias}) {
      for (float& x : part->span()) x = static_cast<float>(stream.uniform(n++)) - 0.5F;
    }
  }
  std::size_t depth;
  AlignedBuffer<float> users;
  AlignedBuffer<float> items;
  AlignedBuffer<float> base;
  AlignedBuffer<float> bias;
};

TEST(ScoreKernel, ScoresLikeTheReference) {
  constexpr std::size_t kStride = kProductStrip + kRowMultiple;
  for (const std::size_t depth : {0U, 1U, 7U, 64U}) {
    const Strips s{depth};
    AlignedBuffer<float> want{kProductStrip * kStride};
    score_reference(s.users.data(), s.items.data(), depth, s.base.data(), s.bias.data(),
                    want.data(), kStride, {});
    for (const Kernels& kernels : usable_kernels()) {
      AlignedBuffer<float> got{want.size()};
      score_kernels(kernels.set)
          .score(s.users.data(), s.items.data(), depth, s.base.data(), s.bias.data(), got.data(),
                 kStride, {s.items.data(), kProductStrip});
      for (std::size_t n = 0; n < got.size(); ++n) {
        // depth + 1 additions of numbers below 1 / 4 to at most 1: each may round otherwise.
        const float bound = static_cast<float>(depth + 1) * (1 + 0.25F * static_cast<float>(depth));
        ASSERT_NEAR(got.data()[n], want.data()[n], bound * std::numeric_limits<float>::epsilon())
            << name_of(kernels.set) << " depth " << depth << " at " << n;
      }
    }
  }
}

TEST(ScoreKernel, ScoresSingleRowsToTheSameBits) {
  const Strips s{37};
  std::vector<float> user(s.depth);
  std::vector<std::vector<float>> rows(kProductStrip, std::vector<float>(s.depth));
  std::vector<const float*> places;
  for (const std::vector<float>& row : rows) places.push_back(row.data());
  constexpr std::size_t kUser = 5;
  for (std::size_t k = 0; k < s.depth; ++k) {
    user[k] = s.users.data()[k * kProductStrip + kUser];
    for (std::size_t j = 0; j < rows.size(); ++j)
      rows[j][k] = s.items.data()[k * kProductStrip + j];
  }
  for (const Kernels& kernels : usable_kernels()) {
    const ScoreKernels score = score_kernels(kernels.set);
    AlignedBuffer<float> all{kProductStrip * kProductStrip};
    score.score(s.users.data(), s.items.data(), s.depth, s.base.data(), s.bias.data(), all.data(),
                kProductStrip, {});
    for (const std::size_t count : {0U, 1U, 7U, 8U, 9U, 32U}) {
      std::vector<float> single(count);
      for (std::size_t j = 0; j < count; ++j) single[j] = s.base.data()[kUser] + s.bias.data()[j];
      score.score_rows(user.data(), places.data(), count, s.depth, single.data());
      for (std::size_t j = 0; j < count; ++j) {
        EXPECT_EQ(single[j], all.data()[kUser * kProductStrip + j]) << name_of(kernels.set) << j;
      }
    }
  }
}

}  // namespace
}  // namespace factorps

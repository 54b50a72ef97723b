#include "model/kernels/score_kernel.hpp"

#include <algorithm>

// Highway compiles this file once per instruction set. Older CPUs get the reference kernels.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "model/kernels/score_kernel.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#if HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
#include "model/kernels/matrix-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace factorps {
namespace HWY_NAMESPACE {

/// Four numbers of four rows, turned over.
HWY_INLINE void pack_square(const float* rows, std::size_t stride, float* out) {
  const Quad d;
  const QuadVec a = hn::LoadU(d, rows);
  const QuadVec b = hn::LoadU(d, rows + stride);
  const QuadVec c = hn::LoadU(d, rows + 2 * stride);
  const QuadVec e = hn::LoadU(d, rows + 3 * stride);
  const QuadVec ac = hn::InterleaveLower(d, a, c);
  const QuadVec be = hn::InterleaveLower(d, b, e);
  const QuadVec ac_high = hn::InterleaveUpper(d, a, c);
  const QuadVec be_high = hn::InterleaveUpper(d, b, e);
  hn::Store(hn::InterleaveLower(d, ac, be), d, out);
  hn::Store(hn::InterleaveUpper(d, ac, be), d, out + kProductStrip);
  hn::Store(hn::InterleaveLower(d, ac_high, be_high), d, out + 2 * kProductStrip);
  hn::Store(hn::InterleaveUpper(d, ac_high, be_high), d, out + 3 * kProductStrip);
}

void pack(const float* rows, std::size_t stride, std::size_t count, std::size_t depth, float* out) {
  const std::size_t whole = count == kProductStrip ? depth / 4 * 4 : 0;
  for (std::size_t k = 0; k < whole; k += 4) {
    for (std::size_t n = 0; n < kProductStrip; n += 4) {
      pack_square(rows + n * stride + k, stride, out + k * kProductStrip + n);
    }
  }
  pack_reference(rows + whole, stride, count, depth - whole, out + whole * kProductStrip);
}

/// kTileRows users by two vectors of items.
template <bool Fetch>
HWY_INLINE void score_tile(const float* users, const float* items, std::size_t depth,
                           const float* base, const float* bias, float* out, std::size_t stride,
                           const float* ahead, std::size_t ahead_by_k) {
  constexpr std::size_t kVectors = 2;
  const RowTag d;
  Tile<kVectors> tile;
  unroll<kTileRows>([&](auto r) FACTORPS_LAMBDA {
    unroll<kVectors>([&](auto v) FACTORPS_LAMBDA {
      tile[r][v] = hn::Add(hn::Set(d, base[r]), hn::Load(d, bias + v * kLanes));
    });
  });
  add_to_tile<kVectors, false, Fetch>({users, kProductStrip, 1}, items, kProductStrip, nullptr,
                                      depth, tile, ahead, ahead_by_k);
  unroll<kTileRows>([&](auto r) FACTORPS_LAMBDA {
    unroll<kVectors>(
        [&](auto v) FACTORPS_LAMBDA { hn::Store(tile[r][v], d, out + r * stride + v * kLanes); });
  });
}

/// What comes next is fetched evenly: the processor waits for few lines at a time.
void score(const float* users, const float* items, std::size_t depth, const float* base,
           const float* bias, float* out, std::size_t stride, Ahead ahead) {
  constexpr std::size_t kTiles = kProductStrip / kTileRows * (kProductStrip / (2 * kLanes));
  const std::size_t step = std::max<std::size_t>(1, ahead.by_k / kTiles);
  std::size_t fetched = 0;  // for each k
  for (std::size_t i = 0; i < kProductStrip; i += kTileRows) {
    for (std::size_t j = 0; j < kProductStrip; j += 2 * kLanes) {
      float* const corner = out + i * stride + j;
      if (fetched == ahead.by_k) {
        score_tile<false>(users + i, items + j, depth, base + i, bias + j, corner, stride, nullptr,
                          0);
      } else {
        score_tile<true>(users + i, items + j, depth, base + i, bias + j, corner, stride,
                         ahead.items + fetched * depth, step);
        fetched += step;
      }
    }
  }
}

/// A few at a time: each sum has to wait for itself.
void score_rows(const float* user, const float* const* rows, std::size_t count, std::size_t depth,
                float* scores) {
  constexpr std::size_t kTogether = 8;
  const hn::CappedTag<float, 1> one;
  for (std::size_t n = 0; n < count; n += kTogether) {
    hn::Vec<decltype(one)> sum[kTogether];
    const float* row[kTogether];
    const std::size_t size = std::min(kTogether, count - n);
    for (std::size_t r = 0; r < kTogether; ++r) row[r] = rows[n + std::min(r, size - 1)];
    unroll<kTogether>([&](auto r) FACTORPS_LAMBDA {
      sum[r] = hn::Set(one, scores[n + std::min<std::size_t>(r, size - 1)]);
    });
    for (std::size_t k = 0; k < depth; ++k) {
      const auto factor = hn::Set(one, user[k]);
      unroll<kTogether>([&](auto r) FACTORPS_LAMBDA {
        sum[r] = hn::MulAdd(factor, hn::Set(one, row[r][k]), sum[r]);
      });
    }
    float sums[kTogether];
    unroll<kTogether>([&](auto r) FACTORPS_LAMBDA { sums[r] = hn::GetLane(sum[r]); });
    std::copy_n(sums, size, scores + n);
  }
}

ScoreKernels score_kernels() { return {&pack, &score, &score_rows}; }

}  // namespace HWY_NAMESPACE
}  // namespace factorps
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
#include "model/kernels/dispatch.hpp"

namespace factorps {

ScoreKernels score_kernels(InstructionSet set) {
  FACTORPS_RETURN_FOR(set, score_kernels());
  return {&pack_reference, &score_reference, &score_rows_reference};
}

void pack_reference(const float* rows, std::size_t stride, std::size_t count, std::size_t depth,
                    float* out) {
  for (std::size_t k = 0; k < depth; ++k) {
    float* line = out + k * kProductStrip;
    for (std::size_t n = 0; n < count; ++n) line[n] = rows[n * stride + k];
    std::fill(line + count, line + kProductStrip, 0.0F);
  }
}

void score_reference(const float* users, const float* items, std::size_t depth, const float* base,
                     const float* bias, float* out, std::size_t stride, Ahead) {
  for (std::size_t i = 0; i < kProductStrip; ++i) {
    for (std::size_t j = 0; j < kProductStrip; ++j) {
      float sum = base[i] + bias[j];
      for (std::size_t k = 0; k < depth; ++k) {
        sum += users[k * kProductStrip + i] * items[k * kProductStrip + j];
      }
      out[i * stride + j] = sum;
    }
  }
}

void score_rows_reference(const float* user, const float* const* rows, std::size_t count,
                          std::size_t depth, float* scores) {
  for (std::size_t n = 0; n < count; ++n) {
    for (std::size_t k = 0; k < depth; ++k) scores[n] += user[k] * rows[n][k];
  }
}

}  // namespace factorps
#endif

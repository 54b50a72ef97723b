#include "model/kernels/score_kernel.hpp"

#include <algorithm>

// Highway compiles this file once per instruction set. Older CPUs get the reference kernels.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "model/kernels/score_kernel.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#if HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
#include "model/kernels/lanes-inl.hpp"

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

Places places(const float* scores, std::size_t count, float score) {
  const RowTag d;
  const hn::RebindToUnsigned<RowTag> du;
  const RowVec wanted = hn::Set(d, score);
  const auto one = hn::Set(du, 1U);
  auto above = hn::Zero(du);
  auto equal = hn::Zero(du);
  std::size_t n = 0;
  for (; n + kLanes <= count; n += kLanes) {
    const RowVec others = hn::LoadU(d, scores + n);
    above = hn::IfThenElse(hn::RebindMask(du, hn::Gt(others, wanted)), hn::Add(above, one), above);
    equal = hn::IfThenElse(hn::RebindMask(du, hn::Eq(others, wanted)), hn::Add(equal, one), equal);
  }
  const Places rest = places_reference(scores + n, count - n, score);
  return {rest.above + hn::GetLane(hn::SumOfLanes(du, above)),
          rest.equal + hn::GetLane(hn::SumOfLanes(du, equal))};
}

std::size_t next_above(const float* scores, std::size_t from, std::size_t count, float score) {
  const RowTag d;
  const RowVec known = hn::Set(d, score);
  for (; from + kLanes <= count; from += kLanes) {
    const auto higher = hn::Gt(hn::LoadU(d, scores + from), known);
    if (!hn::AllFalse(d, higher)) {
      return from + static_cast<std::size_t>(hn::FindFirstTrue(d, higher));
    }
  }
  return next_above_reference(scores, from, count, score);
}

ScoreKernels score_kernels() { return {&pack, &places, &next_above}; }

}  // namespace HWY_NAMESPACE
}  // namespace factorps
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
#include "model/kernels/dispatch.hpp"

namespace factorps {

ScoreKernels score_kernels(InstructionSet set) {
  FACTORPS_RETURN_FOR(set, score_kernels());
  return {&pack_reference, &places_reference, &next_above_reference};
}

void pack_reference(const float* rows, std::size_t stride, std::size_t count, std::size_t depth,
                    float* out) {
  for (std::size_t k = 0; k < depth; ++k) {
    float* line = out + k * kProductStrip;
    for (std::size_t n = 0; n < count; ++n) line[n] = rows[n * stride + k];
    std::fill(line + count, line + kProductStrip, 0.0F);
  }
}

Places places_reference(const float* scores, std::size_t count, float score) {
  Places places;
  for (std::size_t n = 0; n < count; ++n) {
    places.above += scores[n] > score ? 1U : 0U;
    places.equal += scores[n] == score ? 1U : 0U;
  }
  return places;
}

std::size_t next_above_reference(const float* scores, std::size_t from, std::size_t count,
                                 float score) {
  while (from < count && !(scores[from] > score)) ++from;
  return from;
}

}  // namespace factorps
#endif

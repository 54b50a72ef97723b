#include "model/kernels/sift_kernel.hpp"

#include <algorithm>
#include <limits>

// Highway compiles this file once per instruction set. Older CPUs get the reference kernels.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "model/kernels/sift_kernel.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#if HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
#include "model/kernels/lanes-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace factorps {
namespace HWY_NAMESPACE {

inline constexpr std::size_t kGroup = 4 * kLanes;  // scores that are looked at before a branch

/// Copies the scores of a vector that are at least `least`. @return how many
HWY_INLINE std::size_t keep_some(RowVec scores, RowVec least, float* out) {
  const RowTag d;
  const auto high = hn::Ge(scores, least);
  hn::StoreU(hn::Compress(scores, high), d, out);
  return hn::CountTrue(d, high);
}

// hn::Iota() makes them anew each time.
alignas(64) constexpr std::uint32_t kAscending[16] = {0, 1, 2,  3,  4,  5,  6,  7,
                                                      8, 9, 10, 11, 12, 13, 14, 15};

/// Where the scores of a vector are above `limit`. @return how many
HWY_INLINE std::size_t find_some(RowVec scores, RowVec limit, std::size_t first,
                                 std::uint32_t* out) {
  const hn::RebindToUnsigned<RowTag> d;
  const auto high = hn::RebindMask(d, hn::Gt(scores, limit));
  const auto places =
      hn::Add(hn::Load(d, kAscending), hn::Set(d, static_cast<std::uint32_t>(first)));
  hn::StoreU(hn::Compress(places, high), d, out);
  return hn::CountTrue(d, high);
}

template <bool Keep>
HWY_INLINE Sifted sift_groups(const float* scores, std::size_t count, float least, float* kept,
                              float limit, std::uint32_t* positions) {
  const RowTag d;
  const RowVec lowest = hn::Set(d, least);
  const RowVec bound = hn::Set(d, limit);
  Sifted sifted;
  for (std::size_t n = 0; n < count; n += kGroup) {
    RowVec some[kGroup / kLanes];
    RowVec highest = bound;
    unroll<kGroup / kLanes>([&](auto v) FACTORPS_LAMBDA {
      some[v] = hn::LoadU(d, scores + n + v * kLanes);
      if constexpr (Keep) sifted.kept += keep_some(some[v], lowest, kept + sifted.kept);
      highest = hn::Max(some[v], highest);  // the second one if the first is no number
    });
    if (hn::AllFalse(d, hn::Gt(highest, bound))) continue;
    unroll<kGroup / kLanes>([&](auto v) FACTORPS_LAMBDA {
      sifted.found += find_some(some[v], bound, n + v * kLanes, positions + sifted.found);
    });
  }
  return sifted;
}

Sifted sift(const float* scores, std::size_t count, float least, float* kept, float limit,
            std::uint32_t* positions) {
  const std::size_t whole = count / kGroup * kGroup;
  Sifted sifted = kept == nullptr ? sift_groups<false>(scores, whole, least, kept, limit, positions)
                                  : sift_groups<true>(scores, whole, least, kept, limit, positions);
  for (std::size_t n = whole; n < count; ++n) {
    if (kept != nullptr && scores[n] >= least) kept[sifted.kept++] = scores[n];
    if (scores[n] > limit) positions[sifted.found++] = static_cast<std::uint32_t>(n);
  }
  return sifted;
}

/// Leaves the scores that are at least `least`.
HWY_INLINE std::size_t keep_from(float* scores, std::size_t count, float least) {
  const RowTag d;
  const RowVec lowest = hn::Set(d, least);
  std::size_t kept = 0;
  for (std::size_t n = 0; n < count; n += kLanes) {  // NaNs follow the last one
    kept += keep_some(hn::LoadU(d, scores + n), lowest, scores + kept);
  }
  return kept;
}

/// Of Count scores that are wanted. @param kept NaNs follow, up to a vector
template <std::size_t Count>
HWY_INLINE void count_some(const float* kept, std::size_t size, const float* wanted,
                           Places* places) {
  const RowTag d;
  RowVec score[Count];
  std::size_t above[Count] = {};
  std::size_t equal[Count] = {};
  unroll<Count>([&](auto w) FACTORPS_LAMBDA { score[w] = hn::Set(d, wanted[w]); });
  for (std::size_t n = 0; n < size; n += kLanes) {
    const RowVec others = hn::LoadU(d, kept + n);
    unroll<Count>([&](auto w) FACTORPS_LAMBDA {
      above[w] += hn::CountTrue(d, hn::Gt(others, score[w]));
      equal[w] += hn::CountTrue(d, hn::Eq(others, score[w]));
    });
  }
  unroll<Count>([&](auto w) FACTORPS_LAMBDA {
    places[w].above += static_cast<std::uint32_t>(above[w]);
    places[w].equal += static_cast<std::uint32_t>(equal[w]);
  });
}

/// Most scores are below most that are wanted: they are sorted out on the way.
void count_places(float* kept, std::size_t count, const float* wanted, std::size_t num_wanted,
                  Places* places) {
  constexpr std::size_t kTogether = 4;
  const RowTag d;
  for (std::size_t w = 0; w < num_wanted && count > 0; w += kTogether) {
    if (w > 0) count = keep_from(kept, count, wanted[w]);
    hn::StoreU(hn::NaN(d), d, kept + count);
    switch (num_wanted - w) {
      case 1:
        count_some<1>(kept, count, wanted + w, places + w);
        break;
      case 2:
        count_some<2>(kept, count, wanted + w, places + w);
        break;
      case 3:
        count_some<3>(kept, count, wanted + w, places + w);
        break;
      default:
        count_some<kTogether>(kept, count, wanted + w, places + w);
    }
  }
}

void add_places(const float* scores, std::size_t count, const float* wanted, std::size_t num_wanted,
                Places* places) {
  if (num_wanted == 0) return;
  alignas(64) float kept[kSiftBlock + kRowMultiple];
  std::uint32_t none[kRowMultiple];
  for (std::size_t first = 0; first < count; first += kSiftBlock) {
    const Sifted sifted = sift(scores + first, std::min(kSiftBlock, count - first), wanted[0], kept,
                               std::numeric_limits<float>::infinity(), none);
    count_places(kept, sifted.kept, wanted, num_wanted, places);
  }
}

SiftKernels sift_kernels() { return {&sift, &count_places, &add_places}; }

}  // namespace HWY_NAMESPACE
}  // namespace factorps
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
#include "model/kernels/dispatch.hpp"

namespace factorps {

SiftKernels sift_kernels_of(InstructionSet set) {
  FACTORPS_RETURN_FOR(set, sift_kernels());
  return {&sift_reference,
          [](float* kept, std::size_t count, const float* wanted, std::size_t num_wanted,
             Places* places) { add_places_reference(kept, count, wanted, num_wanted, places); },
          &add_places_reference};
}

const SiftKernels& sift_kernels() { return of_best<sift_kernels_of>(); }

Sifted sift_reference(const float* scores, std::size_t count, float least, float* kept, float limit,
                      std::uint32_t* positions) {
  Sifted sifted;
  for (std::size_t n = 0; n < count; ++n) {
    if (kept != nullptr && scores[n] >= least) kept[sifted.kept++] = scores[n];
    if (scores[n] > limit) positions[sifted.found++] = static_cast<std::uint32_t>(n);
  }
  return sifted;
}

void add_places_reference(const float* scores, std::size_t count, const float* wanted,
                          std::size_t num_wanted, Places* places) {
  for (std::size_t w = 0; w < num_wanted; ++w) {
    for (std::size_t n = 0; n < count; ++n) {
      places[w].above += scores[n] > wanted[w] ? 1U : 0U;
      places[w].equal += scores[n] == wanted[w] ? 1U : 0U;
    }
  }
}

}  // namespace factorps
#endif

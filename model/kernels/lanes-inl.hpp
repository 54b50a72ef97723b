/// Sixteen numbers at a time on vectors of 4, 8 or 16 lanes: what the SGD kernel is made of.
// Included once per instruction set, from sgd_kernel.cpp; hence no #pragma once.
#if defined(FACTORPS_LANES_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef FACTORPS_LANES_INL
#undef FACTORPS_LANES_INL
#else
#define FACTORPS_LANES_INL
#endif

#include <cstddef>
#include <cstdint>
#include <utility>

#include <hwy/highway.h>

#include "model/kernels/sgd_kernel.hpp"

// A lambda in a kernel must be inlined: vectors do not cross a call.
#undef FACTORPS_LAMBDA
#define FACTORPS_LAMBDA HWY_ATTR __attribute__((always_inline))

HWY_BEFORE_NAMESPACE();
namespace factorps {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using RowTag = hn::CappedTag<float, kRowMultiple>;
using Quad = hn::Full128<float>;
using RowVec = hn::Vec<RowTag>;
using QuadVec = hn::Vec<Quad>;
inline constexpr std::size_t kLanes = HWY_LANES(float);  // 4, 8 or 16
inline constexpr std::size_t kParts = kRowMultiple / kLanes;
inline constexpr std::size_t kPair = 2 * kBatch;
static_assert(kPair == kRowMultiple);

template <std::size_t N, class Body>
HWY_INLINE void unroll(Body&& body) {
  [&]<std::size_t... I>(std::index_sequence<I...>) FACTORPS_LAMBDA {
    (body(std::integral_constant<std::size_t, I>{}), ...);
  }
  (std::make_index_sequence<N>{});
}

HWY_INLINE void prefetch(const void* address) { __builtin_prefetch(address, 1); }

/// Sixteen numbers, one per interaction of a pair of batches: the first user's are 0 to 7.
struct Sixteen {
  RowVec part[kParts];

  template <class Op>
  HWY_INLINE static Sixteen map(Op&& op) {
    Sixteen result;
    unroll<kParts>([&](auto h) FACTORPS_LAMBDA { result.part[h] = op(h); });
    return result;
  }
};

// How four quads make sixteen numbers, and how the sums of the blocks of four row vectors do.
// Each transposed[n] holds, in each of its 128-bit blocks, partial sums of numbers 4n to 4n + 3.
#if HWY_TARGET == HWY_AVX3
HWY_INLINE Sixteen from_quads(QuadVec a, QuadVec b, QuadVec c, QuadVec d) {
  const hn::Half<RowTag> half;
  return {{hn::Combine(RowTag(), hn::Combine(half, d, c), hn::Combine(half, b, a))}};
}
template <std::size_t N>
HWY_INLINE QuadVec quad(const Sixteen& x) {
  const hn::Half<RowTag> half;
  const auto eight = N < 2 ? hn::LowerHalf(half, x.part[0]) : hn::UpperHalf(half, x.part[0]);
  return N % 2 == 0 ? hn::LowerHalf(Quad(), eight) : hn::UpperHalf(Quad(), eight);
}
HWY_INLINE Sixteen add_blocks(const RowVec* transposed) {
  const RowTag d;
  const auto halves = [&](RowVec low, RowVec high) FACTORPS_LAMBDA {
    const RowVec sum =
        hn::Add(hn::ConcatLowerLower(d, high, low), hn::ConcatUpperUpper(d, high, low));
    return hn::Add(sum, hn::SwapAdjacentBlocks(sum));
  };
  return {{hn::OddEvenBlocks(halves(transposed[1], transposed[3]),
                             halves(transposed[0], transposed[2]))}};
}
#elif HWY_TARGET == HWY_AVX2
HWY_INLINE Sixteen from_quads(QuadVec a, QuadVec b, QuadVec c, QuadVec d) {
  return {{hn::Combine(RowTag(), b, a), hn::Combine(RowTag(), d, c)}};
}
template <std::size_t N>
HWY_INLINE QuadVec quad(const Sixteen& x) {
  const RowVec eight = x.part[N / 2];
  return N % 2 == 0 ? hn::LowerHalf(Quad(), eight) : hn::UpperHalf(Quad(), eight);
}
HWY_INLINE Sixteen add_blocks(const RowVec* transposed) {
  const RowTag d;
  return Sixteen::map([&](auto h) FACTORPS_LAMBDA {
    const RowVec low = transposed[2 * h];
    const RowVec high = transposed[2 * h + 1];
    return hn::Add(hn::ConcatLowerLower(d, high, low), hn::ConcatUpperUpper(d, high, low));
  });
}
#else
HWY_INLINE Sixteen from_quads(QuadVec a, QuadVec b, QuadVec c, QuadVec d) { return {{a, b, c, d}}; }
template <std::size_t N>
HWY_INLINE QuadVec quad(const Sixteen& x) {
  return x.part[N];
}
HWY_INLINE Sixteen add_blocks(const RowVec* transposed) {
  return Sixteen::map([&](auto h) FACTORPS_LAMBDA { return transposed[h.value]; });
}
#endif

/// The first eight lanes hold a, the others b.
HWY_INLINE Sixteen per_user(float a, float b) {
  const QuadVec first = hn::Set(Quad(), a);
  const QuadVec second = hn::Set(Quad(), b);
  return from_quads(first, first, second, second);
}

/// Within each 128-bit block: the sums of four vectors' blocks, side by side.
template <class D, class V>
HWY_INLINE V transpose_add(D d, const V* v) {
  const hn::Repartition<double, D> wide;
  const auto pair = [&](V a, V b) FACTORPS_LAMBDA {
    return hn::Add(hn::InterleaveLower(d, a, b), hn::InterleaveUpper(d, a, b));
  };
  const auto low = hn::BitCast(wide, pair(v[0], v[1]));
  const auto high = hn::BitCast(wide, pair(v[2], v[3]));
  return hn::Add(hn::BitCast(d, hn::InterleaveLower(wide, low, high)),
                 hn::BitCast(d, hn::InterleaveUpper(wide, low, high)));
}

/// (sum of x for the first user, for the second, sum of y for the first, for the second).
HWY_INLINE QuadVec sums_per_user(const Sixteen& x, const Sixteen& y) {
  const QuadVec four[4] = {hn::Add(quad<0>(x), quad<1>(x)), hn::Add(quad<2>(x), quad<3>(x)),
                           hn::Add(quad<0>(y), quad<1>(y)), hn::Add(quad<2>(y), quad<3>(y))};
  return transpose_add(Quad(), four);
}

/// Folds a row vector to one quad.
#if HWY_TARGET == HWY_AVX3
HWY_INLINE QuadVec fold_blocks(RowVec v) {
  const hn::Half<RowTag> half;
  const auto eight = hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v));
  return hn::Add(hn::LowerHalf(Quad(), eight), hn::UpperHalf(Quad(), eight));
}
#elif HWY_TARGET == HWY_AVX2
HWY_INLINE QuadVec fold_blocks(RowVec v) {
  return hn::Add(hn::LowerHalf(Quad(), v), hn::UpperHalf(Quad(), v));
}
#else
HWY_INLINE QuadVec fold_blocks(RowVec v) { return v; }
#endif

HWY_INLINE float sum_of(QuadVec four) {
  const QuadVec two = hn::Add(four, hn::Shuffle1032(four));
  return hn::GetLane(hn::Add(two, hn::Shuffle2301(two)));
}

using OneState = hn::CappedTag<std::uint64_t, 1>;
using TwoStates = hn::Full128<std::uint64_t>;

HWY_INLINE hn::Vec<OneState> load_state(const RowState* state) {
  return hn::LoadU(OneState(), reinterpret_cast<const std::uint64_t*>(state));
}

/// Reads sixteen (bias, accumulator) pairs into registers. Going through memory would stall: a
/// vector load cannot be forwarded from several narrower stores.
HWY_INLINE void load_states(const RowState* states, const std::uint32_t* index, Sixteen& bias,
                            Sixteen& accumulator) {
  QuadVec pairs[kPair / 2];
  unroll<kPair / 2>([&](auto n) FACTORPS_LAMBDA {
    pairs[n] = hn::BitCast(Quad(), hn::Combine(TwoStates(), load_state(states + index[2 * n + 1]),
                                               load_state(states + index[2 * n])));
  });
  const auto even = [&](std::size_t n)
                        FACTORPS_LAMBDA { return hn::ConcatEven(Quad(), pairs[n + 1], pairs[n]); };
  const auto odd = [&](std::size_t n)
                       FACTORPS_LAMBDA { return hn::ConcatOdd(Quad(), pairs[n + 1], pairs[n]); };
  bias = from_quads(even(0), even(2), even(4), even(6));
  accumulator = from_quads(odd(0), odd(2), odd(4), odd(6));
}

/// Adds to sixteen pairs, one after the other: an item that stands in both batches gets both.
HWY_INLINE void add_to_states(RowState* states, const std::uint32_t* index, const Sixteen& bias,
                              const Sixteen& accumulator) {
  const hn::Half<Quad> two;
  const auto add = [&](QuadVec pairs, std::size_t j) FACTORPS_LAMBDA {
    unroll<2>([&](auto k) FACTORPS_LAMBDA {
      auto* state = reinterpret_cast<float*>(states + index[j + k]);
      const auto change = k == 0 ? hn::LowerHalf(two, pairs) : hn::UpperHalf(two, pairs);
      hn::StoreU(hn::Add(hn::LoadU(two, state), change), two, state);
    });
  };
  unroll<4>([&](auto n) FACTORPS_LAMBDA {
    const QuadVec b = quad<n.value>(bias);
    const QuadVec g = quad<n.value>(accumulator);
    add(hn::InterleaveLower(Quad(), b, g), 4 * n);
    add(hn::InterleaveUpper(Quad(), b, g), 4 * n + 2);
  });
}

/// Four values from position n on.
HWY_INLINE QuadVec load_four(const CellView& cell, std::size_t n) {
  const Quad d;
  if (!cell.code.narrow) return hn::LoadU(d, cell.values + n);
  const hn::Rebind<std::uint8_t, Quad> byte;
  const hn::Rebind<std::int32_t, Quad> integer;
  const auto code = hn::ConvertTo(d, hn::PromoteTo(integer, hn::LoadU(byte, cell.codes + n)));
  return hn::Add(hn::Set(d, cell.code.base), hn::Mul(hn::Set(d, cell.code.step), code));
}

}  // namespace HWY_NAMESPACE
}  // namespace factorps
HWY_AFTER_NAMESPACE();

#endif

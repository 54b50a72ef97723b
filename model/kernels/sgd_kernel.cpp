#include "model/kernels/sgd_kernel.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include "common/aligned_buffer.hpp"

// Highway compiles this file once per instruction set. Older CPUs get the reference kernels.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "model/kernels/sgd_kernel.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

// A lambda in a kernel must be inlined: vectors do not cross a call.
#undef FACTORPS_LAMBDA
#define FACTORPS_LAMBDA HWY_ATTR __attribute__((always_inline))

#if HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
HWY_BEFORE_NAMESPACE();
namespace factorps {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using RowTag = hn::CappedTag<float, kRowMultiple>;
using Quad = hn::Full128<float>;
using RowVec = hn::Vec<RowTag>;
using QuadVec = hn::Vec<Quad>;
#if HWY_TARGET == HWY_SSE4
inline constexpr std::size_t kHalves = 2;  // a batch of eight is two vectors of four
using BatchTag = hn::Full128<float>;
#else
inline constexpr std::size_t kHalves = 1;
using BatchTag = hn::CappedTag<float, kBatch>;
#endif
using BatchVec = hn::Vec<BatchTag>;
inline constexpr std::size_t kLanes =
    HWY_LANES(float) < kRowMultiple ? HWY_LANES(float) : kRowMultiple;
inline constexpr std::size_t kChunk = kLanes == 16 ? 8 : 2;  // vectors of a row kept in registers

template <std::size_t N, class Body>
HWY_INLINE void unroll(Body&& body) {
  [&]<std::size_t... I>(std::index_sequence<I...>) FACTORPS_LAMBDA {
    (body(std::integral_constant<std::size_t, I>{}), ...);
  }
  (std::make_index_sequence<N>{});
}

HWY_INLINE void prefetch(const void* address) { __builtin_prefetch(address, 1); }

/// Eight numbers, one per interaction of the batch.
struct Eight {
  BatchVec part[kHalves];

  template <class Op>
  HWY_INLINE static Eight map(Op&& op) {
    Eight result;
    unroll<kHalves>([&](auto h) FACTORPS_LAMBDA { result.part[h] = op(h); });
    return result;
  }
};

HWY_INLINE Eight broadcast(float x) {
  return Eight::map([&](auto) FACTORPS_LAMBDA { return hn::Set(BatchTag(), x); });
}

#if HWY_TARGET == HWY_SSE4
/// Two quads make eight numbers.
HWY_INLINE Eight from_quads(QuadVec low, QuadVec high) { return {{low, high}}; }

template <std::size_t Half>
HWY_INLINE QuadVec quad(const Eight& x) {
  return x.part[Half];
}
#else
/// Two quads make eight numbers.
HWY_INLINE Eight from_quads(QuadVec low, QuadVec high) {
  return {{hn::Combine(BatchTag(), high, low)}};
}

template <std::size_t Half>
HWY_INLINE QuadVec quad(const Eight& x) {
  if constexpr (Half == 0) {
    return hn::LowerHalf(Quad(), x.part[0]);
  } else {
    return hn::UpperHalf(Quad(), x.part[0]);
  }
}
#endif

HWY_INLINE float inverse_root(float x) {
  const Quad d;
  return hn::GetLane(hn::Div(hn::Set(d, 1.0F), hn::Sqrt(hn::Set(d, x))));
}

/// Sum of the eight numbers; pairwise, the same shape on every instruction set.
HWY_INLINE float sum(const Eight& x) {
  const QuadVec four = hn::Add(quad<0>(x), quad<1>(x));
  const QuadVec two = hn::Add(four, hn::Shuffle1032(four));
  return hn::GetLane(hn::Add(two, hn::Shuffle2301(two)));
}

/// Folds a row vector to the sums of its 128-bit blocks.
template <class D = RowTag>
HWY_INLINE QuadVec fold_blocks(hn::Vec<D> v) {
  if constexpr (kLanes == 16) {
    const hn::Half<D> half;
    const auto eight = hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v));
    return hn::Add(hn::LowerHalf(Quad(), eight), hn::UpperHalf(Quad(), eight));
  } else if constexpr (kLanes == 8) {
    const hn::Half<D> half;
    return hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v));
  } else {
    return v;
  }
}

/// Within each 128-bit block: the sums of four vectors, side by side.
HWY_INLINE RowVec transpose_add(const RowVec* v) {
  const RowTag d;
  const hn::Repartition<double, RowTag> wide;
  const auto pair = [&](RowVec a, RowVec b) FACTORPS_LAMBDA {
    return hn::Add(hn::InterleaveLower(d, a, b), hn::InterleaveUpper(d, a, b));
  };
  const auto low = hn::BitCast(wide, pair(v[0], v[1]));
  const auto high = hn::BitCast(wide, pair(v[2], v[3]));
  return hn::Add(hn::BitCast(d, hn::InterleaveLower(wide, low, high)),
                 hn::BitCast(d, hn::InterleaveUpper(wide, low, high)));
}

/// Lane j of the result is the sum of all lanes of v[j].
HWY_INLINE Eight sums(const RowVec* v) {
  return from_quads(fold_blocks<>(transpose_add(v)), fold_blocks<>(transpose_add(v + 4)));
}

/// Reads eight (bias, accumulator) pairs into registers. Going through memory would stall: a
/// vector load cannot be forwarded from several narrower stores.
HWY_INLINE void load_states(const RowState* states, const std::uint32_t* index, Eight& bias,
                            Eight& accumulator) {
  const hn::CappedTag<std::uint64_t, 1> one;
  const hn::Full128<std::uint64_t> two;
  const auto get = [&](std::size_t j) FACTORPS_LAMBDA {
    return hn::LoadU(one, reinterpret_cast<const std::uint64_t*>(states + index[j]));
  };
  const auto couple = [&](std::size_t j) FACTORPS_LAMBDA {
    return hn::BitCast(Quad(), hn::Combine(two, get(j + 1), get(j)));
  };
  const QuadVec s01 = couple(0);
  const QuadVec s23 = couple(2);
  const QuadVec s45 = couple(4);
  const QuadVec s67 = couple(6);
  bias = from_quads(hn::ConcatEven(Quad(), s23, s01), hn::ConcatEven(Quad(), s67, s45));
  accumulator = from_quads(hn::ConcatOdd(Quad(), s23, s01), hn::ConcatOdd(Quad(), s67, s45));
}

HWY_INLINE void store_states(RowState* states, const std::uint32_t* index, const Eight& bias,
                             const Eight& accumulator) {
  const hn::CappedTag<std::uint64_t, 1> one;
  const hn::Full128<std::uint64_t> two;
  const auto put = [&](QuadVec pairs, std::size_t j) FACTORPS_LAMBDA {
    const auto wide = hn::BitCast(two, pairs);
    hn::StoreU(hn::LowerHalf(one, wide), one, reinterpret_cast<std::uint64_t*>(states + index[j]));
    hn::StoreU(hn::UpperHalf(one, wide), one,
               reinterpret_cast<std::uint64_t*>(states + index[j + 1]));
  };
  unroll<2>([&](auto h) FACTORPS_LAMBDA {
    const QuadVec b = quad<h.value>(bias);
    const QuadVec g = quad<h.value>(accumulator);
    put(hn::InterleaveLower(Quad(), b, g), 4 * h);
    put(hn::InterleaveUpper(Quad(), b, g), 4 * h + 2);
  });
}

/// Reads eight values of the cell from position n on; lanes beyond the cell are unspecified.
HWY_INLINE Eight load_values(const CellView& cell, std::size_t n, std::size_t count) {
  const BatchTag d;
  const hn::Rebind<std::int32_t, BatchTag> integer;
  const hn::Rebind<std::uint8_t, BatchTag> byte;
  if (cell.code.narrow) {
    alignas(8) std::uint8_t tail[kBatch] = {};
    const std::uint8_t* codes = cell.codes + n;
    if (n + kBatch > cell.size()) {
      std::copy_n(codes, count, tail);
      codes = tail;
    }
    return Eight::map([&](auto h) FACTORPS_LAMBDA {
      const auto x =
          hn::ConvertTo(d, hn::PromoteTo(integer, hn::LoadU(byte, codes + h * hn::Lanes(d))));
      return hn::Add(hn::Set(d, cell.code.base), hn::Mul(hn::Set(d, cell.code.step), x));
    });
  }
  alignas(32) float tail[kBatch] = {};
  const float* values = cell.values + n;
  if (n + kBatch > cell.size()) {
    std::copy_n(values, count, tail);
    values = tail;
  }
  return Eight::map([&](auto h)
                        FACTORPS_LAMBDA { return hn::LoadU(d, values + h * hn::Lanes(d)); });
}

/// Where one half of a cell's runs stands: the batch that is due, ready to be taken.
struct Cursor {
  const Run* run = nullptr;
  const Run* last = nullptr;
  std::size_t position = 0;                      // of the batch's first interaction, in the cell
  std::uint32_t left = 0;                        // of the current run, this batch included
  alignas(32) std::uint32_t item[kBatch] = {};   // rows of the block; the blank row beyond `left`
  alignas(32) std::uint32_t start[kBatch] = {};  // their first factors

  [[nodiscard]] bool done() const { return run == last; }
  [[nodiscard]] std::size_t count() const { return std::min<std::size_t>(left, kBatch); }
};

/// A pass over one cell. Stride is the row length as a compile-time constant, or 0 for any.
template <std::size_t Stride>
class CellTrainer {
 public:
  CellTrainer(const CellView& cell, RowsView users, RowsView items, const SgdStep& step)
      : cell_{cell}, users_{users}, items_{items}, step_{step} {}

  HWY_INLINE double run() {
    const std::size_t half = cell_.runs.size() / 2;
    const Run* const runs = cell_.runs.data();
    std::size_t middle = 0;
    for (std::size_t r = 0; r < half; ++r) middle += runs[r].count;
    Cursor first = start(runs, runs + half, 0);
    Cursor second = start(runs + half, runs + cell_.runs.size(), middle);
    while (!first.done() && !second.done()) {
      batch(first);
      batch(second);
    }
    while (!first.done()) batch(first);
    while (!second.done()) batch(second);
    flush_loss();
    return squared_error_;
  }

 private:
  HWY_INLINE std::size_t stride() const { return Stride == 0 ? users_.stride : Stride; }

  HWY_INLINE Cursor start(const Run* run, const Run* last, std::size_t position) const {
    Cursor cursor;
    cursor.run = run;
    cursor.last = last;
    cursor.position = position;
    if (run != last) {
      cursor.left = run->count;
      fetch(cursor);
    }
    return cursor;
  }

  HWY_INLINE void batch(Cursor& cursor) {
    alignas(32) std::uint32_t item[kBatch];
    alignas(32) std::uint32_t start[kBatch];
    std::memcpy(item, cursor.item, sizeof item);
    std::memcpy(start, cursor.start, sizeof start);
    const std::size_t user = cursor.run->user;
    const std::size_t position = cursor.position;
    const std::size_t count = cursor.count();
    advance(cursor, count);
    update(position, count, item, start, users_.factors + user * stride(), users_.states[user]);
  }

  HWY_INLINE void advance(Cursor& cursor, std::size_t count) const {
    cursor.position += count;
    cursor.left -= static_cast<std::uint32_t>(count);
    if (cursor.left == 0) {
      if (++cursor.run == cursor.last) return;
      cursor.left = cursor.run->count;
      prefetch_user(cursor);
    }
    fetch(cursor);
  }

  /// Computes the addresses of the batch that is due and asks for its rows.
  HWY_INLINE void fetch(Cursor& cursor) const {
    using Index = hn::CappedTag<std::uint32_t, kBatch>;
    const Index d;
    const hn::Rebind<std::uint16_t, Index> narrow;
    const std::size_t count = cursor.count();
    const std::uint16_t* items = cell_.items.data() + cursor.position;
    std::uint16_t tail[kBatch] = {};
    if (cursor.position + kBatch > cell_.size()) {
      std::copy_n(items, count, tail);
      items = tail;
    }
    const auto blank = hn::Set(d, static_cast<std::uint32_t>(items_.rows));
    const auto length = hn::Set(d, static_cast<std::uint32_t>(stride()));
    for (std::size_t j = 0; j < kBatch; j += hn::Lanes(d)) {
      const auto valid = hn::FirstN(d, count > j ? count - j : 0);
      const auto item =
          hn::IfThenElse(valid, hn::PromoteTo(d, hn::LoadU(narrow, items + j)), blank);
      hn::Store(item, d, cursor.item + j);
      hn::Store(hn::Mul(item, length), d, cursor.start + j);
    }
    unroll<kBatch>([&](auto j) FACTORPS_LAMBDA {
      const float* row = items_.factors + cursor.start[j];
      for (std::size_t f = 0; f < stride(); f += kRowMultiple) prefetch(row + f);
      prefetch(items_.states + cursor.item[j]);
    });
  }

  /// The user after the one whose turn it is.
  HWY_INLINE void prefetch_user(const Cursor& cursor) const {
    if (cursor.run + 1 == cursor.last) return;
    const std::size_t user = cursor.run[1].user;
    for (std::size_t f = 0; f < stride(); f += kRowMultiple) {
      prefetch(users_.factors + user * stride() + f);
    }
    prefetch(users_.states + user);
  }

  /// Lane j: <user, row j>.
  HWY_INLINE Eight dots(const float* user, const std::uint32_t* start) const {
    RowVec sum[kBatch];
    dot_four(user, start, sum);
    dot_four(user, start + 4, sum + 4);
    return sums(sum);
  }

  /// Four rows at a time: as many addresses as stay in registers.
  HWY_INLINE void dot_four(const float* user, const std::uint32_t* start, RowVec* sum) const {
    const RowTag d;
    const float* rows[4];
    unroll<4>([&](auto j) FACTORPS_LAMBDA { rows[j] = items_.factors + start[j]; });
    const RowVec first = hn::Load(d, user);
    unroll<4>([&](auto j) FACTORPS_LAMBDA { sum[j] = hn::Mul(first, hn::Load(d, rows[j])); });
    const auto add = [&](std::size_t f) FACTORPS_LAMBDA {
      const RowVec p = hn::Load(d, user + f);
      unroll<4>([&](auto j)
                    FACTORPS_LAMBDA { sum[j] = hn::MulAdd(p, hn::Load(d, rows[j] + f), sum[j]); });
    };
    if constexpr (Stride == 0) {
      for (std::size_t f = kLanes; f < stride(); f += kLanes) add(f);
    } else {
      unroll<Stride / kLanes - 1>([&](auto k) FACTORPS_LAMBDA { add((k + 1) * kLanes); });
    }
  }

  HWY_INLINE void update(std::size_t position, std::size_t count, const std::uint32_t* item,
                         const std::uint32_t* start, float* user, RowState& user_state) {
    const BatchTag d;
    const auto one = hn::Set(d, 1.0F);
    const auto limit = hn::Set(d, step_.limit);
    const float n = static_cast<float>(count);
    const Eight value = load_values(cell_, position, count);
    Eight bias;
    Eight accumulator;
    load_states(items_.states, item, bias, accumulator);
    const float user_scale = inverse_root(1.0F + user_state.accumulator);
    const auto known = hn::Set(d, step_.mu + user_state.bias);
    const Eight dot = dots(user, start);
    alignas(64) float gradient[kBatch];
    alignas(64) float keep[kBatch];
    alignas(64) float push[kBatch];
    Eight square;
    Eight clamped;
    unroll<kHalves>([&](auto h) FACTORPS_LAMBDA {
      const std::size_t from = h * hn::Lanes(d);
      const auto valid = hn::FirstN(d, count > from ? count - from : 0);
      const auto prediction = hn::Add(dot.part[h], hn::Add(bias.part[h], known));
      const auto error = hn::IfThenElseZero(valid, hn::Sub(value.part[h], prediction));
      const auto steep = hn::Mul(error, hn::Set(d, step_.gain));
      const auto g = hn::Max(hn::Min(steep, limit), hn::Neg(limit));
      const auto scale = hn::Div(one, hn::Sqrt(hn::Add(one, accumulator.part[h])));
      const auto rate = hn::Mul(scale, hn::Set(d, step_.rate));
      hn::Store(g, d, gradient + from);
      hn::Store(hn::NegMulAdd(rate, hn::Set(d, step_.l2_item), one), d, keep + from);
      hn::Store(hn::Mul(rate, g), d, push + from);
      const auto bias_gradient = hn::NegMulAdd(hn::Set(d, step_.l2_bias), bias.part[h], g);
      const auto bias_rate = hn::Mul(scale, hn::Set(d, step_.rate_bias));
      bias.part[h] = hn::MulAdd(bias_rate, bias_gradient, bias.part[h]);
      clamped.part[h] = g;
      square.part[h] = hn::Mul(g, g);
      accumulator.part[h] =
          hn::MulAdd(hn::Set(d, step_.accumulation), square.part[h], accumulator.part[h]);
      loss_.part[h] = hn::MulAdd(error, error, loss_.part[h]);
    });
    store_states(items_.states, item, bias, accumulator);
    const float rate = step_.rate * user_scale;
    update_rows(user, start, gradient, keep, push, 1.0F - n * rate * step_.l2_user, rate);
    user_state.bias +=
        step_.rate_bias * user_scale * (sum(clamped) - n * step_.l2_bias * user_state.bias);
    user_state.accumulator += step_.accumulation * sum(square);
    if (++unflushed_ == kFlushEvery) flush_loss();
  }

  /// Moves the loss from float lanes to the double sum before rounding can show.
  HWY_INLINE void flush_loss() {
    squared_error_ += static_cast<double>(sum(loss_));
    loss_ = broadcast(0.0F);
    unflushed_ = 0;
  }

  /// q = keep q + push p for each row, p = user_keep p + rate sum g q, from the old rows.
  HWY_INLINE void update_rows(float* user, const std::uint32_t* start, const float* gradient,
                              const float* keep, const float* push, float user_keep, float rate) {
    if constexpr (Stride == 0) {
      for (std::size_t f = 0; f < stride(); f += kLanes) {
        update_chunk<1>(user, start, f, gradient, keep, push, user_keep, rate);
      }
    } else {
      constexpr std::size_t kVectors = Stride / kLanes;
      constexpr std::size_t kWidth = kVectors % kChunk == 0 ? kChunk
                                     : kVectors < kChunk    ? kVectors
                                     : kVectors % 2 == 0    ? 2
                                                            : 1;
      unroll<kVectors / kWidth>([&](auto c) FACTORPS_LAMBDA {
        update_chunk<kWidth>(user, start, c * kWidth * kLanes, gradient, keep, push, user_keep,
                             rate);
      });
    }
  }

  template <std::size_t Width>
  HWY_INLINE void update_chunk(float* user, const std::uint32_t* start, std::size_t f,
                               const float* gradient, const float* keep, const float* push,
                               float user_keep, float rate) {
    const RowTag d;
    RowVec p[Width];
    RowVec sum[Width];
    unroll<Width>([&](auto k) FACTORPS_LAMBDA {
      p[k] = hn::Load(d, user + f + k * kLanes);
      sum[k] = hn::Zero(d);
    });
    unroll<kBatch>([&](auto j) FACTORPS_LAMBDA {
      const auto g = hn::Set(d, gradient[j]);
      const auto a = hn::Set(d, keep[j]);
      const auto b = hn::Set(d, push[j]);
      float* row = items_.factors + start[j] + f;
      unroll<Width>([&](auto k) FACTORPS_LAMBDA {
        const auto q = hn::Load(d, row + k * kLanes);
        sum[k] = hn::MulAdd(g, q, sum[k]);
        hn::Store(hn::MulAdd(b, p[k], hn::Mul(a, q)), d, row + k * kLanes);
      });
    });
    unroll<Width>([&](auto k) FACTORPS_LAMBDA {
      const auto kept = hn::Mul(hn::Set(d, user_keep), p[k]);
      hn::Store(hn::MulAdd(hn::Set(d, rate), sum[k], kept), d, user + f + k * kLanes);
    });
  }

  static constexpr std::uint32_t kFlushEvery = 64;  // batches

  const CellView& cell_;
  RowsView users_;
  RowsView items_;
  SgdStep step_;
  Eight loss_ = broadcast(0.0F);
  std::uint32_t unflushed_ = 0;
  double squared_error_ = 0;
};

/// Calls body with the row length as a constant if it is a common one, else with 0.
template <class Body>
HWY_INLINE auto for_stride(std::size_t stride, Body&& body) {
  switch (stride) {
    case 16:
      return body(std::integral_constant<std::size_t, 16>{});
    case 32:
      return body(std::integral_constant<std::size_t, 32>{});
    case 48:
      return body(std::integral_constant<std::size_t, 48>{});
    case 64:
      return body(std::integral_constant<std::size_t, 64>{});
    case 96:
      return body(std::integral_constant<std::size_t, 96>{});
    case 128:
      return body(std::integral_constant<std::size_t, 128>{});
    default:
      return body(std::integral_constant<std::size_t, 0>{});
  }
}

template <std::size_t Stride>
HWY_NOINLINE double train_rows(const CellView& cell, RowsView users, RowsView items,
                               const SgdStep& step) {
  return CellTrainer<Stride>{cell, users, items, step}.run();
}

double train_cell(const CellView& cell, RowsView users, RowsView items, const SgdStep& step) {
  return for_stride(users.stride, [&](auto stride) FACTORPS_LAMBDA {
    return train_rows<stride.value>(cell, users, items, step);
  });
}

void predict_cell(const CellView& cell, RowsView users, RowsView items, float mu,
                  float* predictions) {
  const RowTag d;
  const std::size_t stride = users.stride;
  std::size_t n = 0;
  for (const Run& run : cell.runs) {
    const float* user = users.factors + run.user * stride;
    const float known = mu + users.states[run.user].bias;
    for (std::size_t end = n + run.count; n < end; ++n) {
      const float* row = items.factors + cell.items[n] * stride;
      RowVec sum = hn::Mul(hn::Load(d, user), hn::Load(d, row));
      for (std::size_t f = kLanes; f < stride; f += kLanes) {
        sum = hn::MulAdd(hn::Load(d, user + f), hn::Load(d, row + f), sum);
      }
      const QuadVec four = fold_blocks<>(sum);
      const QuadVec two = hn::Add(four, hn::Shuffle1032(four));
      const float dot = hn::GetLane(hn::Add(two, hn::Shuffle2301(two)));
      predictions[n] = known + items.states[cell.items[n]].bias + dot;
    }
  }
}

Kernels kernels(InstructionSet set) { return {set, &train_cell, &predict_cell}; }

}  // namespace HWY_NAMESPACE
}  // namespace factorps
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
namespace factorps {

std::string_view name_of(InstructionSet set) noexcept {
  switch (set) {
    case InstructionSet::sse4:
      return "sse4";
    case InstructionSet::avx2:
      return "avx2";
    case InstructionSet::avx512:
      return "avx512";
    case InstructionSet::reference:
      break;
  }
  return "reference";
}

std::span<const Kernels> usable_kernels() {
  static const std::vector<Kernels> usable = [] {
    [[maybe_unused]] const std::int64_t targets = hwy::SupportedTargets();
    std::vector<Kernels> found{{InstructionSet::reference, &train_reference, &predict_reference}};
#if HWY_TARGETS & HWY_SSE4
    if (targets & HWY_SSE4) found.push_back(N_SSE4::kernels(InstructionSet::sse4));
#endif
#if HWY_TARGETS & HWY_AVX2
    if (targets & HWY_AVX2) found.push_back(N_AVX2::kernels(InstructionSet::avx2));
#endif
#if HWY_TARGETS & HWY_AVX3
    if (targets & HWY_AVX3) found.push_back(N_AVX3::kernels(InstructionSet::avx512));
#endif
    return found;
  }();
  return usable;
}

const Kernels& best_kernels() { return usable_kernels().back(); }

}  // namespace factorps
#endif

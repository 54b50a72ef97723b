/// The pass of the SGD kernel over one cell; sgd_kernel.hpp says what it computes.
// Included once per instruction set, from sgd_kernel.cpp; hence no #pragma once.
#if defined(FACTORPS_CELL_TRAINER_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef FACTORPS_CELL_TRAINER_INL
#undef FACTORPS_CELL_TRAINER_INL
#else
#define FACTORPS_CELL_TRAINER_INL
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "model/kernels/lanes-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace factorps {
namespace HWY_NAMESPACE {
/// Where one half of a cell's runs stands: the batch that is due.
struct Cursor {
  const Run* run;
  const Run* last;
  std::size_t position;  // of the batch's first interaction, in the cell
  std::uint32_t left;    // of the current run, this batch included

  [[nodiscard]] bool done() const { return run == last; }
  [[nodiscard]] std::size_t count() const { return std::min<std::size_t>(left, kBatch); }
};

alignas(64) inline constexpr std::uint32_t kLaneNumbers[kPair] = {0, 1, 2,  3,  4,  5,  6,  7,
                                                                  8, 9, 10, 11, 12, 13, 14, 15};

/// Two batches of different users, ready to be computed.
struct Pair {
  alignas(64) std::uint32_t item[kPair];   // rows of the block; the blank row where there is none
  alignas(64) std::uint32_t start[kPair];  // their first factors
  alignas(64) float value[kPair];
  std::size_t count[2];
  std::size_t user[2] = {0, 0};
};

/// A pass over one cell. Stride is the row length as a compile-time constant, or 0 for any.
template <std::size_t Stride, bool Clamped>
class CellTrainer {
 public:
  CellTrainer(const CellView& cell, RowsView users, RowsView items, const SgdStep& step)
      : cell_{cell}, users_{users}, items_{items}, step_{step} {}

  HWY_INLINE double run() {
    const CellHalves halves = halves_of(cell_);
    const Run* const runs = cell_.runs.data();
    Cursor first = start(runs, runs + halves.run, 0);
    Cursor second = start(runs + halves.run, runs + cell_.runs.size(), halves.position);
    Pair pairs[2];  // one is computed while the other's rows are on their way
    std::size_t now = 0;
    fetch(first, second, pairs[now]);
    while (!first.done() || !second.done()) {
      advance(first);
      advance(second);
      pairs[1 - now].user[0] = pairs[now].user[0];
      pairs[1 - now].user[1] = pairs[now].user[1];
      fetch(first, second, pairs[1 - now]);
      update(pairs[now]);
      if (++unflushed_ == kFlushEvery) flush_loss();
      now = 1 - now;
    }
    flush_loss();
    return squared_error_;
  }

 private:
  HWY_INLINE std::size_t stride() const { return Stride == 0 ? users_.stride : Stride; }

  HWY_INLINE static Cursor start(const Run* run, const Run* last, std::size_t position) {
    return {run, last, position, run == last ? 0 : run->count};
  }

  /// Without branches: where a run ends is random, and a wrong guess would throw away the loads
  /// that are under way.
  HWY_INLINE static void advance(Cursor& cursor) {
    const auto count = static_cast<std::uint32_t>(cursor.count());
    cursor.position += count;
    cursor.left -= count;
    const std::ptrdiff_t ended = (cursor.left == 0) & (cursor.run != cursor.last) ? 1 : 0;
    cursor.run += ended;
    const std::uint32_t more = cursor.run != cursor.last ? 1U : 0U;
    const Run* next = cursor.run - (1 - static_cast<std::ptrdiff_t>(more));
    cursor.left += next->count * (static_cast<std::uint32_t>(ended) & more);
  }

  /// Computes the addresses of the two batches that are due. Item rows are not prefetched: they
  /// come from the second-level cache, and the requests cost more than they hid (a fifth at dim
  /// 128).
  HWY_INLINE void fetch(const Cursor& first, const Cursor& second, Pair& pair) const {
    fetch_one(first, pair, 0);
    fetch_one(second, pair, 1);
  }

  /// A batch of nothing but blank rows, for the half that has ended.
  HWY_INLINE void blank_out(Pair& pair, std::size_t which) const {
    for (std::size_t j = which * kBatch; j < (which + 1) * kBatch; ++j) {
      pair.item[j] = static_cast<std::uint32_t>(items_.rows + j);
      pair.start[j] = static_cast<std::uint32_t>((items_.rows + j) * stride());
      pair.value[j] = 0;
    }
  }

  HWY_INLINE void fetch_one(const Cursor& cursor, Pair& pair, std::size_t which) const {
    const hn::CappedTag<std::uint32_t, kBatch> d;
    const hn::Rebind<std::uint16_t, decltype(d)> narrow;
    const std::size_t count = cursor.count();
    pair.count[which] = count;
    if (cursor.done()) {
      blank_out(pair, which);
      return;
    }
    pair.user[which] = cursor.run->user;
    const std::uint16_t* items = cell_.items.data() + cursor.position;
    float* values = pair.value + which * kBatch;
    std::uint16_t tail[kBatch] = {};
    if (cursor.position + kBatch <= cell_.size()) {
      hn::Store(load_four(cell_, cursor.position), Quad(), values);
      hn::Store(load_four(cell_, cursor.position + 4), Quad(), values + 4);
    } else {
      for (std::size_t j = 0; j < kBatch; ++j) {
        tail[j] = j < count ? items[j] : std::uint16_t{0};
        values[j] = j < count ? cell_.value(cursor.position + j) : 0.0F;
      }
      items = tail;
    }
    // A blank row of its own for each lane: one for all would chain their updates.
    const auto blank = hn::Set(d, static_cast<std::uint32_t>(items_.rows));
    const std::uint32_t* lanes = kLaneNumbers + which * kBatch;
    const auto length = hn::Set(d, static_cast<std::uint32_t>(stride()));
    for (std::size_t j = 0; j < kBatch; j += hn::Lanes(d)) {
      const auto valid = hn::FirstN(d, count > j ? count - j : 0);
      const auto item = hn::IfThenElse(valid, hn::PromoteTo(d, hn::LoadU(narrow, items + j)),
                                       hn::Add(blank, hn::Load(d, lanes + j)));
      hn::Store(item, d, pair.item + which * kBatch + j);
      hn::Store(hn::Mul(item, length), d, pair.start + which * kBatch + j);
    }
    // The user after this one; asked for again and again while a run lasts, which is cheaper than
    // a branch.
    const std::size_t user = cursor.run[cursor.last - cursor.run > 1 ? 1 : 0].user;
    for (std::size_t f = 0; f < stride(); f += kRowMultiple) {
      prefetch(users_.factors + user * stride() + f);
    }
    prefetch(users_.states + user);
  }

  /// Number n: <its user, its row>.
  HWY_INLINE Sixteen dots(const Pair& pair, float* const* user) const {
    RowVec transposed[4];
    unroll<4>([&](auto n)
                  FACTORPS_LAMBDA { transposed[n] = dot_four(user[n / 2], pair.start + 4 * n); });
    return add_blocks(transposed);
  }

  /// Four rows at a time: as many addresses as stay in registers.
  HWY_INLINE RowVec dot_four(const float* user, const std::uint32_t* start) const {
    const RowTag d;
    const float* rows[4];
    RowVec sum[4];
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
    return transpose_add(d, sum);
  }

  HWY_INLINE void update(const Pair& pair) {
    const RowTag d;
    const auto one = hn::Set(d, 1.0F);
    RowState& state_a = users_.states[pair.user[0]];
    RowState& state_b = users_.states[pair.user[1]];
    float* const user[2] = {users_.factors + pair.user[0] * stride(),
                            users_.factors + pair.user[1] * stride()};
    Sixteen bias;
    Sixteen accumulator;
    load_states(items_.states, pair.item, bias, accumulator);
    const Sixteen known = per_user(step_.mu + state_a.bias, step_.mu + state_b.bias);
    const auto valid = (1U << pair.count[0]) - 1 + (((1U << pair.count[1]) - 1) << kBatch);
    const Sixteen dot = dots(pair, user);
    alignas(64) float gradient[kPair];
    alignas(64) float keep[kPair];
    alignas(64) float push[kPair];
    Sixteen bias_change;
    Sixteen accumulator_change;
    Sixteen clamped;
    Sixteen square;
    unroll<kParts>([&](auto h) FACTORPS_LAMBDA {
      const std::size_t from = h * kLanes;
      const auto prediction = hn::Add(dot.part[h], hn::Add(bias.part[h], known.part[h]));
      const auto error = hn::IfThenElseZero(mask_of(valid >> from),
                                            hn::Sub(hn::Load(d, pair.value + from), prediction));
      const auto g = clamp(error);
      const auto scale = hn::Div(one, hn::Sqrt(hn::Add(one, accumulator.part[h])));
      const auto rate = hn::Mul(scale, hn::Set(d, step_.rate));
      hn::Store(g, d, gradient + from);
      hn::Store(hn::NegMulAdd(rate, hn::Set(d, step_.l2_item), one), d, keep + from);
      hn::Store(hn::Mul(rate, g), d, push + from);
      const auto bias_gradient = hn::NegMulAdd(hn::Set(d, step_.l2_bias), bias.part[h], g);
      bias_change.part[h] = hn::Mul(hn::Mul(scale, hn::Set(d, step_.rate_bias)), bias_gradient);
      clamped.part[h] = g;
      square.part[h] = hn::Mul(g, g);
      accumulator_change.part[h] = hn::Mul(hn::Set(d, step_.accumulation), square.part[h]);
      loss_.part[h] = hn::MulAdd(error, error, loss_.part[h]);
    });
    add_to_states(items_.states, pair.item, bias_change, accumulator_change);
    alignas(16) float sums[4];
    hn::Store(sums_per_user(clamped, square), Quad(), sums);
    for (std::size_t which = 0; which < 2; ++which) {
      if (pair.count[which] == 0) continue;
      RowState& state = which == 0 ? state_a : state_b;
      const float n = static_cast<float>(pair.count[which]);
      const float scale = inverse_root(1.0F + state.accumulator);
      const float rate = step_.rate * scale;
      update_rows(user[which], pair.count[which], pair.start + which * kBatch,
                  gradient + which * kBatch, keep + which * kBatch, push + which * kBatch,
                  1.0F - n * rate * step_.l2_user, rate);
      state.bias += step_.rate_bias * scale * (sums[which] - n * step_.l2_bias * state.bias);
      state.accumulator += step_.accumulation * sums[2 + which];
    }
  }

  HWY_INLINE static float inverse_root(float x) {
    const Quad d;
    return hn::GetLane(hn::Div(hn::Set(d, 1.0F), hn::Sqrt(hn::Set(d, x))));
  }

  HWY_INLINE static hn::Mask<RowTag> mask_of(unsigned bits) {
    const std::uint8_t bytes[8] = {static_cast<std::uint8_t>(bits),
                                   static_cast<std::uint8_t>(bits >> 8)};
    return hn::LoadMaskBits(RowTag(), bytes);
  }

  HWY_INLINE RowVec clamp(RowVec error) const {
    if constexpr (!Clamped) return error;
    const RowTag d;
    const auto limit = hn::Set(d, step_.limit);
    return hn::Max(hn::Min(hn::Mul(error, hn::Set(d, step_.gain)), limit), hn::Neg(limit));
  }

  /// Moves the loss from float lanes to the double sum before rounding can show.
  HWY_INLINE void flush_loss() {
    RowVec total = loss_.part[0];
    for (std::size_t h = 1; h < kParts; ++h) total = hn::Add(total, loss_.part[h]);
    squared_error_ += static_cast<double>(sum_of(fold_blocks(total)));
    loss_ = per_user(0, 0);
    unflushed_ = 0;
  }

  /// q = keep q + push p for each row, p = user_keep p + rate sum g q, rows one after the other.
  HWY_INLINE void update_rows(float* user, std::size_t count, const std::uint32_t* start,
                              const float* gradient, const float* keep, const float* push,
                              float user_keep, float rate) {
    if constexpr (Stride == 0) {
      for (std::size_t f = 0; f < stride(); f += kLanes) {
        update_chunk<1>(user, count, start, f, gradient, keep, push, user_keep, rate);
      }
    } else {
      constexpr std::size_t kVectors = Stride / kLanes;
      constexpr std::size_t kMost = kLanes == 16 ? 8 : 2;  // what the registers hold
      constexpr std::size_t kWidth = kVectors <= kMost       ? kVectors
                                     : kVectors % kMost == 0 ? kMost
                                                             : 1;
      unroll<kVectors / kWidth>([&](auto c) FACTORPS_LAMBDA {
        update_chunk<kWidth>(user, count, start, c * kWidth * kLanes, gradient, keep, push,
                             user_keep, rate);
      });
    }
  }

  template <std::size_t Width>
  HWY_INLINE void update_chunk(float* user, std::size_t count, const std::uint32_t* start,
                               std::size_t f, const float* gradient, const float* keep,
                               const float* push, float user_keep, float rate) {
    const RowTag d;
    RowVec p[Width];
    RowVec sum[2][Width];  // two sums: half the latency
    unroll<Width>([&](auto k) FACTORPS_LAMBDA {
      p[k] = hn::Load(d, user + f + k * kLanes);
      sum[0][k] = hn::Zero(d);
      sum[1][k] = hn::Zero(d);
    });
    const auto update_row = [&](std::size_t j, RowVec* total) FACTORPS_LAMBDA {
      const auto g = hn::Set(d, gradient[j]);
      const auto a = hn::Set(d, keep[j]);
      const auto b = hn::Set(d, push[j]);
      float* row = items_.factors + start[j] + f;
      unroll<Width>([&](auto k) FACTORPS_LAMBDA {
        const auto q = hn::Load(d, row + k * kLanes);
        total[k] = hn::MulAdd(g, q, total[k]);
        hn::Store(hn::MulAdd(b, p[k], hn::Mul(a, q)), d, row + k * kLanes);
      });
    };
    unroll<kBatch / 2>([&](auto j) FACTORPS_LAMBDA { update_row(j, sum[j % 2]); });
    if (!kSkipsBlanks || count > kBatch / 2) {
      unroll<kBatch / 2>([&](auto j) FACTORPS_LAMBDA { update_row(j + kBatch / 2, sum[j % 2]); });
    }
    unroll<Width>([&](auto k) FACTORPS_LAMBDA {
      const auto kept = hn::Mul(hn::Set(d, user_keep), p[k]);
      const auto total = hn::Add(sum[0][k], sum[1][k]);
      hn::Store(hn::MulAdd(hn::Set(d, rate), total, kept), d, user + f + k * kLanes);
    });
  }

  /// Whether half a batch of blank rows is skipped. With long rows the branch costs more than it
  /// saves (15 % at dim 128): a wrong guess throws away the loads that were under way.
  static constexpr bool kSkipsBlanks = Stride > 0 && Stride < 64;
  static constexpr std::uint32_t kFlushEvery = 64;  // pairs

  const CellView& cell_;
  RowsView users_;
  RowsView items_;
  SgdStep step_;
  Sixteen loss_ = per_user(0, 0);
  std::uint32_t unflushed_ = 0;
  double squared_error_ = 0;
};

}  // namespace HWY_NAMESPACE
}  // namespace factorps
HWY_AFTER_NAMESPACE();

#endif

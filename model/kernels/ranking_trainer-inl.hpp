/// One cell, batch by batch, in three products of matrices each.
// Included once per instruction set, from ranking_kernel.cpp; hence no #pragma once.
#if defined(FACTORPS_RANKING_TRAINER_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef FACTORPS_RANKING_TRAINER_INL
#undef FACTORPS_RANKING_TRAINER_INL
#else
#define FACTORPS_RANKING_TRAINER_INL
#endif

#include <hwy/contrib/math/math-inl.h>

#include "model/kernels/matrix-inl.hpp"
#include "model/kernels/ranking_kernel.hpp"

HWY_BEFORE_NAMESPACE();
namespace factorps {
namespace HWY_NAMESPACE {

/// y = factor x
HWY_INLINE void scale(float factor, const float* x, std::size_t size, float* y) {
  const RowTag d;
  for (std::size_t c = 0; c < size; c += kLanes) {
    hn::Store(hn::Mul(hn::Set(d, factor), hn::Load(d, x + c)), d, y + c);
  }
}

HWY_INLINE void to_length_one(float* x, std::size_t size) {
  const float squares = dot(x, x, size);
  scale(squares > 0 ? 1 / std::sqrt(squares) : 0.0F, x, size, x);
}

/// 1 / (1 + exp(-x))
HWY_INLINE RowVec sigmoid(RowVec x) {
  const RowTag d;
  const RowVec one = hn::Set(d, 1.0F);
  return hn::Div(one, hn::Add(one, hn::Exp(d, hn::Neg(x))));
}
/// log(1 + exp(x)), from below without overflow: max(x, 0) + log(1 + exp(-|x|))
HWY_INLINE RowVec softplus(RowVec x) {
  const RowTag d;
  const RowVec small = hn::Exp(d, hn::Neg(hn::Abs(x)));
  return hn::Add(hn::Max(x, hn::Zero(d)), hn::Log1p(d, small));
}

/// Turns the scores of an interaction and its negatives into slopes, in place.
struct Slopes {
  const RankingStep& step;
  std::size_t count;     // of negatives
  const float* weights;  // [count] c of each; not all 0

  /// @param t [count] scores, then slopes @param slope by s @return the loss
  HWY_INLINE double run(float s, float* t, float& slope) const {
    switch (step.loss) {
      case RankingLoss::softmax:
        return softmax(s, t, slope);
      case RankingLoss::ccl:
        return contrastive(s, t, slope);
      case RankingLoss::bpr:
        return pairwise(s, t, slope);
      default:
        return logistic(s, t, slope);
    }
  }

 private:
  /// Sum of body(scores, their weights).
  template <class Body>
  HWY_INLINE float sum_over(float* t, Body&& body) const {
    const RowTag d;
    RowVec sum = hn::Zero(d);
    for (std::size_t j = 0; j < count; j += kLanes) {
      sum = hn::Add(sum, body(t + j, hn::Load(d, weights + j)));
    }
    return sum_of(fold_blocks(sum));
  }

  HWY_INLINE double softmax(float s, float* t, float& slope) const {
    const RowTag d;
    const float inverse = 1 / step.temperature;
    RowVec highest = hn::Load(d, t);
    for (std::size_t j = kLanes; j < count; j += kLanes)
      highest = hn::Max(highest, hn::Load(d, t + j));
    const RowVec shift = hn::MaxOfLanes(d, highest);
    const float sum = sum_over(t, [&](float* x, RowVec c) FACTORPS_LAMBDA {
      const RowVec above = hn::Mul(hn::Sub(hn::Load(d, x), shift), hn::Set(d, inverse));
      const RowVec e = hn::Mul(hn::Exp(d, above), c);
      hn::Store(e, d, x);
      return e;
    });
    scale(step.exponent * inverse / sum, t, count, t);
    slope = -inverse;
    return double{-s * inverse} +
           double{step.exponent} * (double{hn::GetLane(shift) * inverse} + std::log(double{sum}));
  }

  HWY_INLINE double contrastive(float s, float* t, float& slope) const {
    const RowTag d;
    const float each = step.weight / static_cast<float>(count);
    const float over = sum_over(t, [&](float* x, RowVec c) FACTORPS_LAMBDA {
      const RowVec above = hn::Sub(hn::Load(d, x), hn::Set(d, step.margin));
      const auto counts = hn::Gt(above, hn::Zero(d));
      hn::Store(hn::IfThenElseZero(counts, hn::Mul(hn::Set(d, each), c)), d, x);
      return hn::IfThenElseZero(counts, hn::Mul(above, c));
    });
    slope = -1;
    return double{1 - s} + double{each * over};
  }

  HWY_INLINE double pairwise(float s, float* t, float& slope) const {
    const RowTag d;
    const float each = 1 / static_cast<float>(count);
    RowVec slopes = hn::Zero(d);
    const float loss = sum_over(t, [&](float* x, RowVec c) FACTORPS_LAMBDA {
      const RowVec margin = hn::Sub(hn::Load(d, x), hn::Set(d, s));
      const RowVec g = hn::Mul(hn::Mul(sigmoid(margin), hn::Set(d, each)), c);
      hn::Store(g, d, x);
      slopes = hn::Add(slopes, g);
      return hn::Mul(softplus(margin), c);
    });
    slope = -sum_of(fold_blocks(slopes));
    return double{each * loss};
  }

  HWY_INLINE double logistic(float s, float* t, float& slope) const {
    const RowTag d;
    const float each = step.weight / static_cast<float>(count);
    const float loss = sum_over(t, [&](float* x, RowVec c) FACTORPS_LAMBDA {
      const RowVec score = hn::Load(d, x);
      hn::Store(hn::Mul(hn::Mul(sigmoid(score), hn::Set(d, each)), c), d, x);
      return hn::Mul(softplus(score), c);
    });
    slope = -1 / (1 + std::exp(s));
    return std::log1p(std::exp(-double{s})) + double{each * loss};
  }
};

class RankingTrainer {
 public:
  RankingTrainer(RowsView users, RowsView items, const Candidates& candidates,
                 const RankingStep& step, RankingWorkspace& workspace)
      : users_{users},
        items_{items},
        candidates_{candidates},
        step_{step},
        workspace_{workspace},
        stride_{users.stride},
        rows_{round_up(step.batch, kRowMultiple)},
        count_{step.negatives} {
    const std::size_t batch = rows_ * stride_;
    const std::size_t sampled = count_ * stride_;
    const std::size_t size = 4 * batch + 3 * sampled + rows_ * count_ + 2 * count_;
    if (workspace.memory.size() < size) workspace.memory = AlignedBuffer<float>{size};
    Parts memory{workspace.memory.data()};
    p_ = memory.take(batch);
    q_ = memory.take(batch);
    user_slopes_ = memory.take(batch);
    item_slopes_ = memory.take(batch);
    n_ = memory.take(sampled);
    transposed_ = memory.take(sampled);
    negative_slopes_ = memory.take(sampled);
    scores_ = memory.take(rows_ * count_);
    weights_ = memory.take(count_);
    own_weights_ = memory.take(count_);
  }

  /// Interactions [first, first + size) of the workspace, with its negatives.
  HWY_INLINE double run(std::size_t first, std::size_t size) {
    const auto* positives = workspace_.positives.data() + first;
    for (std::size_t n = 0; n < size; ++n) {
      gather(users_, positives[n].user, p_ + n * stride_);
      gather(items_, positives[n].item, q_ + n * stride_);
    }
    for (std::size_t j = 0; j < count_; ++j) gather_negative(j);
    std::ranges::copy(workspace_.weights, weights_);
    const std::size_t rows = round_up(size, kRowMultiple);
    std::fill(p_ + size * stride_, p_ + rows * stride_, 0.0F);
    std::fill_n(scores_, rows * count_, 0.0F);
    add_products<false, false>({p_, 1, stride_}, rows, transposed_, count_, count_, nullptr,
                               stride_, scores_, count_);
    const double loss = slopes(positives, size);
    std::fill_n(scores_ + size * count_, (rows - size) * count_, 0.0F);
    multiply_slopes(rows);
    for (std::size_t n = 0; n < size; ++n) {
      update(users_, positives[n].user, user_slopes_ + n * stride_, step_.l2_user);
      update(items_, positives[n].item, item_slopes_ + n * stride_, step_.l2_item);
    }
    for (std::size_t j = 0; j < count_; ++j) {
      update(items_, workspace_.negatives[j], negative_slopes_ + j * stride_, step_.l2_negative);
    }
    return loss;
  }

 private:
  HWY_INLINE void gather(const RowsView& rows, std::size_t row, float* out) const {
    std::copy_n(rows.factors + row * stride_, stride_, out);
    if (step_.cosine) to_length_one(out, stride_);
  }
  HWY_INLINE void gather_negative(std::size_t j) const {
    float* row = n_ + j * stride_;
    gather(items_, workspace_.negatives[j], row);
    for (std::size_t c = 0; c < stride_; ++c) transposed_[c * count_ + j] = row[c];
  }

  /// Scores become slopes; what the interactions' own scores add to the slopes by rows.
  HWY_INLINE double slopes(const RankingWorkspace::Positive* positives, std::size_t size) {
    double loss = 0;
    for (std::size_t n = 0; n < size; ++n) {
      const std::size_t at = n * stride_;
      float* scores = scores_ + n * count_;
      const float* weights =
          step_.exclude_positives ? without_known(positives[n].user, scores) : weights_;
      float slope = 0;
      if (weights == nullptr) {
        std::fill_n(scores, count_, 0.0F);
      } else {
        loss += Slopes{step_, count_, weights}.run(dot(p_ + at, q_ + at, stride_), scores, slope);
      }
      scale(slope, q_ + at, stride_, user_slopes_ + at);
      scale(slope, p_ + at, stride_, item_slopes_ + at);
    }
    return loss;
  }

  /// Scores of negatives that do not count must not be the highest ones.
  /// @return none: nothing is left to compare with
  HWY_INLINE const float* without_known(std::uint32_t user, float* scores) const {
    const float grow = mask_known(user, candidates_, workspace_);
    if (grow == 0) return nullptr;
    scale(grow, weights_, count_, own_weights_);
    if (workspace_.masked.empty()) return own_weights_;
    for (const std::uint32_t j : workspace_.masked) own_weights_[j] = 0;
    const float* counts =
        std::find_if(own_weights_, own_weights_ + count_, [](float weight) { return weight > 0; });
    for (const std::uint32_t j : workspace_.masked) scores[j] = scores[counts - own_weights_];
    return own_weights_;
  }

  HWY_INLINE void multiply_slopes(std::size_t rows) {
    add_products<false, false>({scores_, 1, count_}, rows, n_, stride_, stride_, nullptr, count_,
                               user_slopes_, stride_);
    std::fill_n(negative_slopes_, count_ * stride_, 0.0F);
    add_products<false, false>({scores_, count_, 1}, count_, p_, stride_, stride_, nullptr, rows,
                               negative_slopes_, stride_);
  }

  HWY_INLINE void update(const RowsView& rows, std::size_t row, float* slope, float l2) const {
    float* x = rows.factors + row * stride_;
    if (step_.cosine) {
      to_length_one(x, stride_);
      add_scaled(-dot(slope, x, stride_), x, stride_, slope);
    }
    float& accumulator = rows.states[row].accumulator;
    accumulator += dot(slope, slope, stride_) / static_cast<float>(stride_);
    const float size = step_.adagrad ? step_.rate / std::sqrt(accumulator + 1e-8F) : step_.rate;
    if (l2 != 0) add_scaled(l2, x, stride_, slope);
    add_scaled(-size, slope, stride_, x);
    if (step_.cosine) to_length_one(x, stride_);
  }

  RowsView users_;
  RowsView items_;
  const Candidates& candidates_;
  const RankingStep& step_;
  RankingWorkspace& workspace_;
  std::size_t stride_;
  std::size_t rows_;   // of a batch, rounded up
  std::size_t count_;  // of negatives
  float* p_;           // users of the batch
  float* q_;           // items of the batch
  float* user_slopes_;
  float* item_slopes_;
  float* n_;           // negatives
  float* transposed_;  // negatives, a column each
  float* negative_slopes_;
  float* scores_;       // [batch x negatives], then slopes
  float* weights_;      // [negatives]
  float* own_weights_;  // [negatives] of the interaction at hand
};

}  // namespace HWY_NAMESPACE
}  // namespace factorps
HWY_AFTER_NAMESPACE();

#endif

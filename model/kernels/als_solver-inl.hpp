/// Rows of one table, solved against the other one.
// Included once per instruction set, from als_kernel.cpp; hence no #pragma once.
#if defined(FACTORPS_ALS_SOLVER_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef FACTORPS_ALS_SOLVER_INL
#undef FACTORPS_ALS_SOLVER_INL
#else
#define FACTORPS_ALS_SOLVER_INL
#endif

#include "model/kernels/als_kernel.hpp"
#include "model/kernels/matrix-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace factorps {
namespace HWY_NAMESPACE {

static_assert(kAlsBatch % kTileRows == 0);
inline constexpr std::size_t kChunk = 64;   // interactions whose rows are copied together
inline constexpr std::size_t kGroup = 4;    // rows whose dot products are reduced together
inline constexpr std::size_t kAhead = 3;    // groups of rows that are fetched ahead
inline constexpr std::size_t kFewRows = 4;  // of a product with G that are worth a smaller tile
// Rows of the other table that tasks visit again and again: about half of a second-level cache.
inline constexpr std::size_t kCacheBytes = std::size_t{512} << 10;

/// out[n] = <v, rows[n]> for kGroup rows of `size` floats.
HWY_INLINE void dots(const float* v, const float* const* rows, std::size_t size, float* out) {
  const RowTag d;
  RowVec sum[kGroup];
  unroll<kGroup>([&](auto n) FACTORPS_LAMBDA { sum[n] = hn::Zero(d); });
  for (std::size_t c = 0; c < size; c += kLanes) {
    const RowVec x = hn::Load(d, v + c);
    unroll<kGroup>(
        [&](auto n) FACTORPS_LAMBDA { sum[n] = hn::MulAdd(x, hn::Load(d, rows[n] + c), sum[n]); });
  }
  QuadVec folded[kGroup];
  unroll<kGroup>([&](auto n) FACTORPS_LAMBDA { folded[n] = fold_blocks(sum[n]); });
  hn::StoreU(transpose_add(Quad(), folded), Quad(), out);
}

/// sum += factors[n] * rows[n] for kGroup rows.
HWY_INLINE void add_rows(const float* factors, const float* const* rows, std::size_t size,
                         float* sum) {
  const RowTag d;
  RowVec factor[kGroup];
  unroll<kGroup>([&](auto n) FACTORPS_LAMBDA { factor[n] = hn::Set(d, factors[n]); });
  for (std::size_t c = 0; c < size; c += kLanes) {
    RowVec total = hn::Load(d, sum + c);
    unroll<kGroup>([&](auto n) FACTORPS_LAMBDA {
      total = hn::MulAdd(factor[n], hn::Load(d, rows[n] + c), total);
    });
    hn::Store(total, d, sum + c);
  }
}

/// One batch of tasks. Their rows are copied side by side, where products with G read them.
class AlsSolver {
 public:
  AlsSolver(const AlsProblem& problem, std::span<const AlsTask> tasks, AlsWorkspace& workspace)
      : problem_{problem}, tasks_{tasks}, stride_{problem.stride} {
    const std::size_t batch = (kAlsBatch + kFewRows) * stride_;  // products have whole tiles
    const std::size_t block = problem.block;
    Parts memory{AlsWorkspace::reserve(workspace.fixed,
                                       4 * batch + block * block + kChunk * block + 3 * block)};
    rows_ = memory.take(batch);
    products_ = memory.take(batch);
    residual_ = memory.take(batch);
    direction_ = memory.take(batch);
    matrix_ = memory.take(block * block);
    chunk_ = memory.take(kChunk * block);
    gradient_ = memory.take(block);
    step_ = memory.take(block);
    inverse_ = memory.take(block);
    std::size_t total = 0;
    workspace.begin.clear();
    for (const AlsTask& task : tasks) {
      workspace.begin.push_back(total);
      total += round_up(task.others.size(), kGroup);
    }
    errors_ = AlsWorkspace::reserve(workspace.residuals, 2 * total);
    images_ = errors_ + total;
    begin_ = workspace.begin.data();
    std::fill_n(rows_, batch, 0.0F);
    std::fill_n(direction_, batch, 0.0F);
    for (std::size_t t = 0; t < tasks.size(); ++t) {
      if (!tasks[t].others.empty()) {
        std::copy_n(tasks[t].row, stride_, rows_ + t * stride_);
      } else if (problem.constant != kNoColumn) {
        rows_[t * stride_ + problem.constant] = tasks[t].row[problem.constant];
      }
    }
  }

  HWY_INLINE double run() {
    for (std::size_t first = 0; first < tasks_.size();) {
      const std::size_t end = end_of_part(first);
      if (problem_.cg_steps > 0) {
        descend(first, end);
      } else {
        solve_blocks(first, end);
      }
      first = end;
    }
    double loss = 0;
    for (std::size_t t = 0; t < tasks_.size(); ++t) {
      std::copy_n(rows_ + t * stride_, stride_, tasks_[t].row);
      loss += loss_of(t);
    }
    return loss;
  }

 private:
  /// Tasks that are solved side by side, so that they share products with G, and the rows they
  /// visit stay in the cache.
  [[nodiscard]] std::size_t end_of_part(std::size_t first) const {
    std::size_t bytes = 0;
    std::size_t end = first;
    for (; end < tasks_.size(); ++end) {
      bytes += tasks_[end].others.size() * stride_ * sizeof(float);
      if (end > first && bytes > kCacheBytes) break;
    }
    return end;
  }

  [[nodiscard]] const float* fixed(std::size_t t, std::size_t n) const {
    return problem_.fixed + std::size_t{tasks_[t].others[n]} * stride_;
  }
  [[nodiscard]] float weight(std::size_t t, std::size_t n) const {
    return tasks_[t].weights == nullptr ? 1.0F : tasks_[t].weights[n];
  }
  [[nodiscard]] float target(std::size_t t, std::size_t n) const {
    return tasks_[t].targets == nullptr ? 1.0F : tasks_[t].targets[n];
  }
  /// What the bias is penalised more than other columns.
  [[nodiscard]] float more_l2(std::size_t t) const { return tasks_[t].l2_bias - tasks_[t].l2; }

  /// Calls body(n, count, rows) for groups of interactions; rows beyond count repeat the last.
  template <class Body>
  HWY_INLINE void for_groups(std::size_t t, Body&& body) const {
    const std::size_t size = tasks_[t].others.size();
    for (std::size_t n = 0; n < size; n += kGroup) {
      const std::size_t count = std::min(kGroup, size - n);
      const float* rows[kGroup];
      for (std::size_t k = 0; k < kGroup; ++k) rows[k] = fixed(t, n + std::min(k, count - 1));
      body(n, count, rows);
    }
  }

  /// Asks for the rows of the interactions that for_groups() comes to a little after n.
  HWY_INLINE void fetch_ahead(std::size_t t, std::size_t n) const {
    const std::size_t size = tasks_[t].others.size();
    for (std::size_t k = n + kAhead * kGroup; k < std::min(n + (kAhead + 1) * kGroup, size); ++k) {
      const float* row = fixed(t, k);
      for (std::size_t c = 0; c < stride_; c += kRowMultiple) __builtin_prefetch(row + c);
    }
  }

  /// Errors <p, q> - t of all interactions.
  HWY_INLINE void predict(std::size_t t) {
    float* errors = errors_ + begin_[t];
    for_groups(t, [&](std::size_t n, std::size_t count, const float* const* rows) FACTORPS_LAMBDA {
      fetch_ahead(t, n);
      dots(rows_ + t * stride_, rows, stride_, errors + n);
      for (std::size_t k = 0; k < count; ++k) errors[n + k] -= target(t, n + k);
    });
  }

  [[nodiscard]] double loss_of(std::size_t t) const {
    double loss = 0;
    for (std::size_t n = 0; n < tasks_[t].others.size(); ++n) {
      const double error = errors_[begin_[t] + n];
      loss += double{weight(t, n)} * error * error;
    }
    return loss;
  }

  /// products = vectors times columns [first, first + size) of G, for tasks [begin, end) and what
  /// follows up to a whole tile.
  HWY_INLINE void multiply_gram(const float* vectors, std::size_t begin, std::size_t end,
                                std::size_t first, std::size_t size) {
    const std::size_t rows = round_up(end - begin, kFewRows);
    const std::size_t whole = rows / kTileRows * kTileRows;
    const Factor factor{vectors + begin * stride_, 1, stride_};
    const Factor rest{factor.data + whole * stride_, 1, stride_};
    float* products = products_ + begin * size;
    std::fill_n(products, rows * size, 0.0F);
    add_products<false, false>(factor, whole, problem_.gram + first, stride_, size, nullptr,
                               stride_, products, size);
    add_products<false, false, kFewRows>(rest, rows - whole, problem_.gram + first, stride_, size,
                                         nullptr, stride_, products + whole * size, size);
  }

  HWY_INLINE void solve_blocks(std::size_t begin, std::size_t end) {
    for (std::size_t t = begin; t < end; ++t) predict(t);
    for (std::size_t first = 0; first < stride_; first += problem_.block) {
      const std::size_t size = std::min(problem_.block, stride_ - first);
      multiply_gram(rows_, begin, end, first, size);
      for (std::size_t t = begin; t < end; ++t) {
        if (!tasks_[t].others.empty()) solve_block(t, first, size);
      }
    }
  }

  /// One exact step in a range of columns.
  HWY_INLINE void solve_block(std::size_t t, std::size_t first, std::size_t size) {
    float* row = rows_ + t * stride_ + first;
    for (std::size_t i = 0; i < size; ++i) {
      std::copy_n(problem_.gram + (first + i) * stride_ + first, size, matrix_ + i * size);
      matrix_[i * size + i] += tasks_[t].l2;
    }
    std::copy_n(products_ + t * size, size, gradient_);
    add_scaled(tasks_[t].l2, row, size, gradient_);
    for_chunks(t, first, size, true, [&](std::size_t n, std::size_t count) FACTORPS_LAMBDA {
      add_chunk(t, n, count, size);
    });
    if (problem_.bias - first < size) penalise_bias(t, first, size);
    if (problem_.constant - first < size) hold(problem_.constant - first, size);
    Cholesky cholesky{matrix_, size, inverse_};
    cholesky.factorise();
    cholesky.solve(gradient_, step_);
    add_scaled(-1, step_, size, row);
    const bool kept = tasks_[t].others.size() <= kChunk;
    for_chunks(t, first, size, !kept, [&](std::size_t n, std::size_t count) FACTORPS_LAMBDA {
      update_errors(t, n, count, size);
    });
  }

  /// Calls body(n, count) for up to kChunk interactions at a time, the range's columns of whose
  /// rows stand in chunk_, with zeros up to a whole group.
  /// @param copy false: they already do
  template <class Body>
  HWY_INLINE void for_chunks(std::size_t t, std::size_t first, std::size_t size, bool copy,
                             Body&& body) {
    const std::size_t all = tasks_[t].others.size();
    for (std::size_t n = 0; n < all; n += kChunk) {
      const std::size_t count = std::min(kChunk, all - n);
      for (std::size_t k = 0; copy && k < count; ++k) {
        std::copy_n(fixed(t, n + k) + first, size, chunk_ + k * size);
      }
      const std::size_t whole = round_up(count, kGroup);
      std::fill_n(chunk_ + count * size, (whole - count) * size, 0.0F);
      body(n, count);
    }
  }

  HWY_INLINE void add_chunk(std::size_t t, std::size_t n, std::size_t count, std::size_t size) {
    const float* errors = errors_ + begin_[t] + n;
    const float* weights = tasks_[t].weights == nullptr ? nullptr : tasks_[t].weights + n;
    for (std::size_t k = 0; k < count; k += kGroup) {
      float factors[kGroup];
      const float* rows[kGroup];
      for (std::size_t j = 0; j < kGroup; ++j) {
        rows[j] = chunk_ + (k + j) * size;
        const bool there = k + j < count;
        factors[j] =
            there ? (weights == nullptr ? errors[k + j] : weights[k + j] * errors[k + j]) : 0.0F;
      }
      add_rows(factors, rows, size, gradient_);
    }
    const Factor factor{chunk_, size, 1};
    if (weights == nullptr) {
      add_products<true, false>(factor, size, chunk_, size, size, nullptr, count, matrix_, size);
    } else {
      add_products<true, true>(factor, size, chunk_, size, size, weights, count, matrix_, size);
    }
  }

  HWY_INLINE void update_errors(std::size_t t, std::size_t n, std::size_t count, std::size_t size) {
    float* errors = errors_ + begin_[t] + n;
    for (std::size_t k = 0; k < count; k += kGroup) {
      const float* rows[kGroup];
      for (std::size_t j = 0; j < kGroup; ++j) rows[j] = chunk_ + (k + j) * size;
      float change[kGroup];
      dots(step_, rows, size, change);
      for (std::size_t j = 0; j < kGroup; ++j) errors[k + j] -= change[j];
    }
  }

  HWY_INLINE void penalise_bias(std::size_t t, std::size_t first, std::size_t size) {
    const std::size_t bias = problem_.bias - first;
    matrix_[bias * size + bias] += more_l2(t);
    gradient_[bias] += more_l2(t) * rows_[t * stride_ + problem_.bias];
  }
  /// Without gradient and curvature a column stays as it is.
  void hold(std::size_t column, std::size_t size) {
    gradient_[column] = 0;
    for (std::size_t i = 0; i < column; ++i) matrix_[i * size + column] = 0;
    std::fill_n(matrix_ + column * size, size, 0.0F);
  }

  /// out(t) += sum over interactions of w (<v, q> + shift x t) q.
  /// @param values of all interactions: <v, q> + shift x t
  HWY_INLINE void apply(std::size_t t, const float* v, float shift, float* values, float* out) {
    values += begin_[t];
    for_groups(t, [&](std::size_t n, std::size_t count, const float* const* rows) FACTORPS_LAMBDA {
      fetch_ahead(t, n);
      dots(v, rows, stride_, values + n);
      float factors[kGroup];
      for (std::size_t k = 0; k < kGroup; ++k) {
        if (k < count && shift != 0) values[n + k] += shift * target(t, n + k);
        factors[k] = k < count ? weight(t, n + k) * values[n + k] : 0.0F;
      }
      add_rows(factors, rows, stride_, out);
    });
  }

  /// products(t) = (half of the second derivative) vectors(t), with shift the gradient, for tasks
  /// [begin, end).
  HWY_INLINE void multiply(const float* vectors, float shift, float* values, std::size_t begin,
                           std::size_t end) {
    multiply_gram(vectors, begin, end, 0, stride_);
    for (std::size_t t = begin; t < end; ++t) {
      const std::size_t at = t * stride_;
      add_scaled(tasks_[t].l2, vectors + at, stride_, products_ + at);
      apply(t, vectors + at, shift, values, products_ + at);
      if (problem_.bias != kNoColumn) {
        products_[at + problem_.bias] += more_l2(t) * vectors[at + problem_.bias];
      }
      if (problem_.constant != kNoColumn) products_[at + problem_.constant] = 0;
    }
  }

  /// Conjugate gradients (Hestenes, Stiefel 1952).
  HWY_INLINE void descend(std::size_t begin, std::size_t end) {
    const RowTag d;
    multiply(rows_, -1, errors_, begin, end);
    double norm[kAlsBatch] = {};
    for (std::size_t t = begin; t < end; ++t) {
      for (std::size_t c = t * stride_; c < (t + 1) * stride_; c += kLanes) {
        hn::Store(hn::Neg(hn::Load(d, products_ + c)), d, residual_ + c);
        hn::Store(hn::Load(d, residual_ + c), d, direction_ + c);
      }
      norm[t] = dot(residual_ + t * stride_, residual_ + t * stride_, stride_);
    }
    for (std::size_t step = 0; step < problem_.cg_steps; ++step) {
      multiply(direction_, 0, images_, begin, end);
      for (std::size_t t = begin; t < end; ++t) norm[t] = advance(t, norm[t]);
    }
  }

  /// @return the new squared norm of the residual
  HWY_INLINE double advance(std::size_t t, double norm) {
    const std::size_t at = t * stride_;
    const double curvature = dot(direction_ + at, products_ + at, stride_);
    if (tasks_[t].others.empty() || !(norm > 0) || !(curvature > 0)) return 0;
    const auto length = static_cast<float>(norm / curvature);
    add_scaled(length, direction_ + at, stride_, rows_ + at);
    add_scaled(-length, products_ + at, stride_, residual_ + at);
    // The errors are those of the new row, without another visit of its interactions.
    for (std::size_t n = begin_[t]; n < begin_[t] + tasks_[t].others.size(); ++n) {
      errors_[n] += length * images_[n];
    }
    const double rest = dot(residual_ + at, residual_ + at, stride_);
    const RowTag d;
    const RowVec ratio = hn::Set(d, static_cast<float>(rest / norm));
    for (std::size_t c = at; c < at + stride_; c += kLanes) {
      hn::Store(hn::MulAdd(ratio, hn::Load(d, direction_ + c), hn::Load(d, residual_ + c)), d,
                direction_ + c);
    }
    return rest;
  }

  const AlsProblem& problem_;
  std::span<const AlsTask> tasks_;
  std::size_t stride_;
  float* rows_;      // [kAlsBatch x stride]
  float* products_;  // of the batch with columns of G
  float* residual_;  // conjugate gradients
  float* direction_;
  float* matrix_;    // [block x block]
  float* chunk_;     // [kChunk x block] columns of the other table's rows
  float* gradient_;  // [block]
  float* step_;
  float* inverse_;
  float* errors_;             // <p, q> - t of the interactions of all tasks
  float* images_;             // conjugate gradients: <direction, q> of the same
  const std::size_t* begin_;  // [task] in errors
};

}  // namespace HWY_NAMESPACE
}  // namespace factorps
HWY_AFTER_NAMESPACE();

#endif

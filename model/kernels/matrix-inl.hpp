/// Dense algebra in floats: products of vectors, sums of products of matrices, Cholesky's
/// factorisation.
// Included once per instruction set, from the kernels that use it; hence no #pragma once.
#if defined(FACTORPS_MATRIX_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef FACTORPS_MATRIX_INL
#undef FACTORPS_MATRIX_INL
#else
#define FACTORPS_MATRIX_INL
#endif

#include <algorithm>
#include <cmath>

#include "model/kernels/lanes-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace factorps {
namespace HWY_NAMESPACE {

// A tile of sums stays in registers: rows x vectors accumulators, out of 32 or 16.
inline constexpr std::size_t kTileRows = HWY_TARGET == HWY_AVX3 ? 8 : 4;
static_assert(kRowMultiple % kTileRows == 0);
inline constexpr std::size_t kPanel = 4;  // pivots whose rows are subtracted together

inline constexpr float kLeastPivot = 1e-5F;  // of the diagonal entry that it comes from

inline constexpr std::size_t lane_floor(std::size_t n) { return n / kLanes * kLanes; }

HWY_INLINE float dot(const float* a, const float* b, std::size_t size) {
  const RowTag d;
  RowVec sum = hn::Zero(d);
  for (std::size_t c = 0; c < size; c += kLanes) {
    sum = hn::MulAdd(hn::Load(d, a + c), hn::Load(d, b + c), sum);
  }
  return sum_of(fold_blocks(sum));
}

/// y += factor x
HWY_INLINE void add_scaled(float factor, const float* x, std::size_t size, float* y) {
  const RowTag d;
  for (std::size_t c = 0; c < size; c += kLanes) {
    hn::Store(hn::MulAdd(hn::Set(d, factor), hn::Load(d, x + c), hn::Load(d, y + c)), d, y + c);
  }
}

/// Where the factors of a sum of products lie: x(k, i) = data[k * by_k + i * by_i].
struct Factor {
  const float* data;
  std::size_t by_k;
  std::size_t by_i;
};

/// A tile of sums in registers.
template <std::size_t Vectors, std::size_t Rows = kTileRows>
using Tile = RowVec[Rows][Vectors];

/// tile(i, j) += sum over k < depth of scale[k] a(k, i) b[k * b_by_k + j] for Rows rows i and
/// Vectors vectors j.
/// @param ahead needed soon: `ahead_by_k` floats for every k are fetched into the cache
template <std::size_t Vectors, bool Scaled, bool Ahead = false, std::size_t Rows>
HWY_INLINE void add_to_tile(Factor a, const float* b, std::size_t b_by_k, const float* scale,
                            std::size_t depth, RowVec (&acc)[Rows][Vectors],
                            const float* ahead = nullptr, std::size_t ahead_by_k = 0) {
  const RowTag d;
  for (std::size_t k = 0; k < depth; ++k) {
    if constexpr (Ahead) __builtin_prefetch(ahead + k * ahead_by_k);
    RowVec row[Vectors];
    unroll<Vectors>([&](auto v) FACTORPS_LAMBDA {
      row[v] = hn::Load(d, b + k * b_by_k + v * kLanes);
      if constexpr (Scaled) row[v] = hn::Mul(row[v], hn::Set(d, scale[k]));
    });
    const float* column = a.data + k * a.by_k;
    unroll<Rows>([&](auto i) FACTORPS_LAMBDA {
      const RowVec factor = hn::Set(d, column[i * a.by_i]);
      unroll<Vectors>([&](auto v)
                          FACTORPS_LAMBDA { acc[i][v] = hn::MulAdd(factor, row[v], acc[i][v]); });
    });
  }
}

/// The same on a tile in memory.
template <std::size_t Vectors, bool Scaled, std::size_t Rows>
HWY_INLINE void add_tile(Factor a, const float* b, std::size_t b_by_k, const float* scale,
                         std::size_t depth, float* sums, std::size_t width) {
  const RowTag d;
  Tile<Vectors, Rows> acc;
  unroll<Rows>([&](auto i) FACTORPS_LAMBDA {
    unroll<Vectors>(
        [&](auto v) FACTORPS_LAMBDA { acc[i][v] = hn::Load(d, sums + i * width + v * kLanes); });
  });
  add_to_tile<Vectors, Scaled>(a, b, b_by_k, scale, depth, acc);
  unroll<Rows>([&](auto i) FACTORPS_LAMBDA {
    unroll<Vectors>(
        [&](auto v) FACTORPS_LAMBDA { hn::Store(acc[i][v], d, sums + i * width + v * kLanes); });
  });
}

/// The same for all rows and columns; with Upper only for tiles that reach the diagonal or above.
/// @param rows a multiple of Rows
template <bool Upper, bool Scaled, std::size_t Rows = kTileRows>
HWY_INLINE void add_products(Factor a, std::size_t rows, const float* b, std::size_t b_by_k,
                             std::size_t columns, const float* scale, std::size_t depth,
                             float* sums, std::size_t width) {
  for (std::size_t i = 0; i < rows; i += Rows) {
    const Factor part{a.data + i * a.by_i, a.by_k, a.by_i};
    std::size_t j = Upper ? lane_floor(i) : 0;
    for (; j + 2 * kLanes <= columns; j += 2 * kLanes) {
      add_tile<2, Scaled, Rows>(part, b + j, b_by_k, scale, depth, sums + i * width + j, width);
    }
    for (; j < columns; j += kLanes) {
      add_tile<1, Scaled, Rows>(part, b + j, b_by_k, scale, depth, sums + i * width + j, width);
    }
  }
}

/// Of a symmetric positive definite matrix whose upper triangle stands in `h` (n x n, row-major):
/// U with U^T U = h in its place, zeros left of the diagonal as far as vectors reach. Where
/// rounding has left nothing of a pivot, the column is taken to be orthogonal to the later ones.
/// @param inverse [n] 1 / U(k, k)
class Cholesky {
 public:
  Cholesky(float* h, std::size_t n, float* inverse) : h_{h}, n_{n}, inverse_{inverse} {}

  HWY_INLINE void factorise() {
    for (std::size_t k = 0; k < n_; ++k) inverse_[k] = h_[k * n_ + k];
    for (std::size_t first = 0; first < n_; first += kPanel) {
      for (std::size_t k = first; k < first + kPanel; ++k) pivot(first, k);
      for (std::size_t i = first + kPanel; i < n_; i += kPanel) subtract_panel(first, i);
    }
  }

  /// x = h^-1 g. @param g changed @param x [n]
  HWY_INLINE void solve(float* g, float* x) const {
    const RowTag d;
    for (std::size_t k = 0; k < n_; ++k) {
      const float y = g[k] * inverse_[k];
      const float* u = h_ + k * n_;
      for (std::size_t c = lane_floor(k); c < n_; c += kLanes) {
        hn::Store(hn::NegMulAdd(hn::Set(d, y), hn::Load(d, u + c), hn::Load(d, g + c)), d, g + c);
      }
      x[k] = y;
    }
    for (std::size_t k = n_; k-- > 0;) {
      const float y = x[k];
      x[k] = 0;
      const float* u = h_ + k * n_;
      RowVec sum = hn::Zero(d);
      for (std::size_t c = lane_floor(k); c < n_; c += kLanes) {
        // Entries left of k are not solved yet, but u is zero there.
        sum = hn::MulAdd(hn::Load(d, u + c), hn::Load(d, x + c), sum);
      }
      x[k] = (y - sum_of(fold_blocks(sum))) * inverse_[k];
    }
  }

 private:
  /// Makes row k final.
  HWY_INLINE void pivot(std::size_t first, std::size_t k) {
    const RowTag d;
    float* row = h_ + k * n_;
    for (std::size_t s = first; s < k; ++s) {
      const float* above = h_ + s * n_;
      const RowVec factor = hn::Set(d, above[k]);
      for (std::size_t c = lane_floor(k); c < n_; c += kLanes) {
        hn::Store(hn::NegMulAdd(factor, hn::Load(d, above + c), hn::Load(d, row + c)), d, row + c);
      }
    }
    std::fill(row + lane_floor(k), row + k, 0.0F);
    const float before = inverse_[k];
    if (!(row[k] > kLeastPivot * before)) {
      std::fill(row + k, row + n_, 0.0F);
      row[k] = before > 0 ? before : 1.0F;
    }
    const float inverse = 1 / std::sqrt(row[k]);
    for (std::size_t c = lane_floor(k); c < n_; c += kLanes) {
      hn::Store(hn::Mul(hn::Load(d, row + c), hn::Set(d, inverse)), d, row + c);
    }
    inverse_[k] = inverse;
  }

  /// Takes the panel's part from kPanel rows below it.
  HWY_INLINE void subtract_panel(std::size_t first, std::size_t i) {
    const RowTag d;
    const float* panel = h_ + first * n_;
    RowVec factor[kPanel][kPanel];
    unroll<kPanel>([&](auto r) FACTORPS_LAMBDA {
      unroll<kPanel>([&](auto s)
                         FACTORPS_LAMBDA { factor[r][s] = hn::Set(d, panel[s * n_ + i + r]); });
    });
    for (std::size_t c = lane_floor(i); c < n_; c += kLanes) {
      RowVec above[kPanel];
      unroll<kPanel>([&](auto s) FACTORPS_LAMBDA { above[s] = hn::Load(d, panel + s * n_ + c); });
      unroll<kPanel>([&](auto r) FACTORPS_LAMBDA {
        float* row = h_ + (i + r) * n_ + c;
        RowVec rest = hn::Load(d, row);
        unroll<kPanel>([&](auto s)
                           FACTORPS_LAMBDA { rest = hn::NegMulAdd(factor[r][s], above[s], rest); });
        hn::Store(rest, d, row);
      });
    }
  }

  float* h_;
  std::size_t n_;
  float* inverse_;
};

}  // namespace HWY_NAMESPACE
}  // namespace factorps
HWY_AFTER_NAMESPACE();

#endif

#include "eval/ease.hpp"

#include <algorithm>
#include <vector>

#include <Eigen/Cholesky>
#include <Eigen/Core>

#include "common/aligned_buffer.hpp"
#include "common/check.hpp"
#include "model/grid.hpp"
#include "model/kernels/product_kernel.hpp"

namespace factorps::eval {
namespace {

constexpr std::size_t kStrip = kProductStrip;
constexpr std::size_t kPivot = 128;
constexpr std::size_t kTile = 4 * kPivot;  // 1 MiB: a tile and its panels stay in near caches

using Index = Eigen::Index;
using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Some columns of a symmetric matrix of n rows, in strips: each holds kStrip rows as columns, so
/// that a product goes through it in one piece.
class Panel {
 public:
  explicit Panel(std::size_t n) : values_{n * kPivot} {}

  [[nodiscard]] const float* strip(std::size_t row) const { return values_.data() + row * kPivot; }
  /// column x row within the strip that begins at `row`
  Eigen::Map<RowMajor> map(std::size_t row, std::size_t columns) {
    return {values_.data() + row * kPivot, static_cast<Index>(columns), Index{kStrip}};
  }
  float& at(std::size_t row, std::size_t column) {
    return values_.data()[row / kStrip * kStrip * kPivot + column * kStrip + row % kStrip];
  }

 private:
  AlignedBuffer<float> values_;
};

/// Sweeps a symmetric matrix of which only tiles on and below the diagonal are kept (tiles on it
/// whole). Sweeping a block K replaces A_KK by -P with P = inverse(A_KK), A_iK by A_iK P and A_ij
/// by A_ij - A_iK P A_Kj: symmetric again; all blocks swept give -inverse(A) (Goodnight: "A
/// tutorial on the SWEEP operator", 1979).
class Sweep {
 public:
  Sweep(std::span<float> matrix, std::size_t n, AddProducts add_products, const Crew& crew)
      : matrix_{matrix.data()},
        n_{n},
        add_products_{add_products},
        crew_{crew},
        panel_{n},
        scaled_{n} {}

  /// @return whether every pivot was positive definite; the same on every member
  bool run() {
    for (std::size_t first = 0; first < n_; first += kPivot) {
      const std::size_t count = std::min(kPivot, n_ - first);
      copy_panel(first, count);
      const bool good = invert_pivot(first, count);
      for (std::size_t row = 0; row < n_; row += kStrip) {
        scaled_.map(row, count).noalias() = -pivot_ * panel_.map(row, count);
      }
      crew_.barrier();  // nobody changes what another one still copies
      if (!good) return false;
      update(first, count);
      crew_.barrier();
    }
    return true;
  }

 private:
  float& at(std::size_t row, std::size_t column) { return matrix_[row * n_ + column]; }

  /// Columns first ... first + count of the whole symmetric matrix.
  void copy_panel(std::size_t first, std::size_t count) {
    const std::size_t tile = first / kTile * kTile;
    for (std::size_t k = 0; k < count; ++k) {
      for (std::size_t row = 0; row < tile; ++row) panel_.at(row, k) = at(first + k, row);
    }
    for (std::size_t row = tile; row < n_; ++row) {
      for (std::size_t k = 0; k < count; ++k) panel_.at(row, k) = at(row, first + k);
    }
  }

  bool invert_pivot(std::size_t first, std::size_t count) {
    const auto size = static_cast<Index>(count);
    Eigen::MatrixXd pivot(size, size);
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t j = 0; j < count; ++j) {
        pivot(static_cast<Index>(i), static_cast<Index>(j)) = double{panel_.at(first + i, j)};
      }
    }
    const Eigen::LLT<Eigen::MatrixXd> factor{pivot};
    pivot_ = factor.solve(Eigen::MatrixXd::Identity(size, size)).cast<float>();
    return factor.info() == Eigen::Success && pivot_.allFinite();
  }

  /// Tiles go round; what happens in a tile does not depend on who has it.
  void update(std::size_t first, std::size_t count) {
    std::size_t number = 0;
    for (std::size_t row = 0; row < n_; row += kTile) {
      for (std::size_t column = 0; column <= row; column += kTile) {
        if (number++ % crew_.members != crew_.member) continue;
        update_tile({row, std::min(row + kTile, n_)}, {column, std::min(column + kTile, n_)},
                    {first, first + count});
      }
    }
  }

  void update_tile(RowRange rows, RowRange columns, RowRange pivot) {
    for (std::size_t column = columns.begin; column < columns.end; column += kStrip) {
      for (std::size_t row = rows.begin; row < rows.end; row += kStrip) {
        add_products_(scaled_.strip(row), panel_.strip(column), pivot.size(), &at(row, column), n_);
      }
    }
    const auto holds = [&](RowRange range) {
      return range.begin <= pivot.begin && pivot.begin < range.end;
    };
    for (std::size_t k = 0; k < pivot.size(); ++k) {
      const std::size_t own = pivot.begin + k;
      if (holds(columns)) {
        for (std::size_t r = rows.begin; r < rows.end; ++r) at(r, own) = -scaled_.at(r, k);
      }
      if (holds(rows)) {
        for (std::size_t c = columns.begin; c < columns.end; ++c) at(own, c) = -scaled_.at(c, k);
      }
    }
    if (holds(rows) && holds(columns)) put_pivot(pivot);
  }

  void put_pivot(RowRange pivot) {
    for (std::size_t i = 0; i < pivot.size(); ++i) {
      for (std::size_t j = 0; j < pivot.size(); ++j) {
        at(pivot.begin + i, pivot.begin + j) =
            -pivot_(static_cast<Index>(i), static_cast<Index>(j));
      }
    }
  }

  float* matrix_;
  std::size_t n_;  // a multiple of kStrip
  AddProducts add_products_;
  const Crew& crew_;
  Panel panel_;            // columns of the block before the step
  Panel scaled_;           // the same times -P
  Eigen::MatrixXf pivot_;  // P
};

/// X^T X + l2 I, with more items that nobody has up to n; rows go round. Counts are exact in float
/// below 2^24.
void count_pairs(const PairMatrix& pairs, double l2, std::span<float> matrix, std::size_t n,
                 const Crew& crew) {
  for (std::size_t item = crew.member; item < n; item += crew.members) {
    const auto row = matrix.subspan(item * n, n);
    row[item] = static_cast<float>(l2);
    if (item >= pairs.items()) continue;
    for (const std::uint32_t user : pairs.users_of(item)) {
      for (const std::uint32_t other : pairs.items_of(user)) row[other] += 1;
    }
  }
}

/// From -P, of which the tiles on and below the diagonal are there, to B. Tiles go round.
void scale_columns(std::size_t n, std::span<float> matrix, const Crew& crew) {
  std::vector<float> factor(n);
  for (std::size_t item = 0; item < n; ++item) factor[item] = -1 / matrix[item * n + item];
  crew.barrier();  // the diagonal is read
  std::size_t number = 0;
  for (std::size_t row = 0; row < n; row += kTile) {
    for (std::size_t column = 0; column <= row; column += kTile) {
      if (number++ % crew.members != crew.member) continue;
      for (std::size_t i = row; i < std::min(row + kTile, n); ++i) {
        for (std::size_t j = column; j < std::min({column + kTile, n, i + 1}); ++j) {
          const float value = matrix[i * n + j];
          matrix[i * n + j] = i == j ? 0 : value * factor[j];
          matrix[j * n + i] = i == j ? 0 : value * factor[i];
        }
      }
    }
  }
  crew.barrier();
}

}  // namespace

bool ease_weights(const PairMatrix& pairs, double l2, std::span<float> weights, InstructionSet set,
                  const Crew& crew) {
  const std::size_t n = ease_stride(pairs.items());
  FACTORPS_CHECK(weights.size() == n * n);
  count_pairs(pairs, l2, weights, n, crew);
  crew.barrier();
  if (!Sweep{weights, n, add_products_of(set), crew}.run()) return false;
  scale_columns(n, weights, crew);
  return true;
}

void ItemWeights::score(std::span<const Query> queries, const VisitScores& visit) const {
  std::vector<float> scores(items_);
  for (std::size_t q = 0; q < queries.size(); ++q) {
    std::ranges::fill(scores, 0.0F);
    for (const std::uint32_t item : queries[q].history) {
      const auto row = weights_.subspan(item * stride_, items_);
      for (std::size_t n = 0; n < items_; ++n) scores[n] += row[n];
    }
    visit(q, 0, scores);
  }
}

}  // namespace factorps::eval

#include "eval/ease.hpp"

#include <algorithm>
#include <vector>

#include <Eigen/Cholesky>
#include <Eigen/Core>

#include "common/check.hpp"

namespace factorps::eval {
namespace {

// Eigen splits a product deeper than this at a place that depends on the caches (eval/scores.hpp).
constexpr std::size_t kPivot = 128;
constexpr std::size_t kTile = 4 * kPivot;  // 1 MiB: a tile's panels stay in the second-level cache

using Index = Eigen::Index;
using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Stride = Eigen::OuterStride<>;
using View = Eigen::Map<RowMajor, 0, Stride>;

/// Sweeps a symmetric matrix of which only tiles on and below the diagonal are kept (tiles on it
/// whole). Sweeping a block K replaces A_KK by -P with P = inverse(A_KK), A_iK by A_iK P and A_ij
/// by A_ij - A_iK P A_Kj: symmetric again; all blocks swept give -inverse(A) (Beaton 1964;
/// Goodnight: "A tutorial on the SWEEP operator", 1979).
class Sweep {
 public:
  Sweep(std::span<float> matrix, std::size_t n, const Crew& crew)
      : matrix_{matrix}, n_{n}, crew_{crew}, panel_(n, kPivot), scaled_(n, kPivot) {}

  /// @return whether every pivot was positive definite; the same on every member
  bool run() {
    for (std::size_t first = 0; first < n_; first += kPivot) {
      const std::size_t count = std::min(kPivot, n_ - first);
      copy_panel(first, count);
      const bool good = invert_pivot(first, count);
      scaled_.leftCols(index(count)).noalias() =
          panel_.leftCols(index(count)) * pivot_.cast<float>();
      crew_.barrier();  // nobody changes what another one still copies
      if (!good) return false;
      update(first, count);
      crew_.barrier();
    }
    return true;
  }

 private:
  static Index index(std::size_t n) { return static_cast<Index>(n); }

  View at(std::size_t row, std::size_t rows, std::size_t column, std::size_t columns) {
    return {matrix_.data() + row * n_ + column, index(rows), index(columns), Stride{index(n_)}};
  }

  /// Columns first ... first + count of the whole symmetric matrix.
  void copy_panel(std::size_t first, std::size_t count) {
    const std::size_t tile = first / kTile * kTile;
    panel_.block(0, 0, index(tile), index(count)) = at(first, count, 0, tile).transpose();
    panel_.block(index(tile), 0, index(n_ - tile), index(count)) =
        at(tile, n_ - tile, first, count);
  }

  bool invert_pivot(std::size_t first, std::size_t count) {
    const Eigen::MatrixXd pivot =
        panel_.block(index(first), 0, index(count), index(count)).cast<double>();
    const Eigen::LLT<Eigen::MatrixXd> factor{pivot};
    pivot_ = factor.solve(Eigen::MatrixXd::Identity(index(count), index(count)));
    return factor.info() == Eigen::Success && pivot_.allFinite();
  }

  /// Tiles go round; what happens in a tile does not depend on who has it.
  void update(std::size_t first, std::size_t count) {
    std::size_t number = 0;
    for (std::size_t row = 0; row < n_; row += kTile) {
      for (std::size_t column = 0; column <= row; column += kTile) {
        if (number++ % crew_.members != crew_.member) continue;
        update_tile(row, column, first, count);
      }
    }
  }

  void update_tile(std::size_t row, std::size_t column, std::size_t first, std::size_t count) {
    const std::size_t rows = std::min(kTile, n_ - row);
    const std::size_t columns = std::min(kTile, n_ - column);
    at(row, rows, column, columns).noalias() -=
        scaled_.block(index(row), 0, index(rows), index(count)) *
        panel_.block(index(column), 0, index(columns), index(count)).transpose();
    const bool in_rows = row <= first && first < row + rows;
    const bool in_columns = column <= first && first < column + columns;
    if (in_columns) {
      at(row, rows, first, count) = scaled_.block(index(row), 0, index(rows), index(count));
    }
    if (in_rows) {
      at(first, count, column, columns) =
          scaled_.block(index(column), 0, index(columns), index(count)).transpose();
    }
    if (in_rows && in_columns) at(first, count, first, count) = -pivot_.cast<float>();
  }

  std::span<float> matrix_;
  std::size_t n_;
  const Crew& crew_;
  RowMajor panel_;         // columns of the block before the step: n x kPivot
  RowMajor scaled_;        // panel_ P
  Eigen::MatrixXd pivot_;  // P
};

/// X^T X + l2 I; rows go round. Counts are exact in float below 2^24.
void count_pairs(const PairMatrix& pairs, double l2, std::span<float> matrix, const Crew& crew) {
  const std::size_t n = pairs.items();
  for (std::size_t item = crew.member; item < n; item += crew.members) {
    const auto row = matrix.subspan(item * n, n);
    for (const std::uint32_t user : pairs.users_of(item)) {
      for (const std::uint32_t other : pairs.items_of(user)) row[other] += 1;
    }
    row[item] += static_cast<float>(l2);
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

bool ease_weights(const PairMatrix& pairs, double l2, std::span<float> weights, const Crew& crew) {
  const std::size_t n = pairs.items();
  FACTORPS_CHECK(weights.size() == n * n);
  count_pairs(pairs, l2, weights, crew);
  crew.barrier();
  if (!Sweep{weights, n, crew}.run()) return false;
  scale_columns(n, weights, crew);
  return true;
}

void ItemWeights::score(std::span<const Query> queries, const VisitScores& visit) const {
  std::vector<float> scores(items_);
  for (std::size_t q = 0; q < queries.size(); ++q) {
    std::ranges::fill(scores, 0.0F);
    for (const std::uint32_t item : queries[q].history) {
      const auto row = weights_.subspan(item * items_, items_);
      for (std::size_t n = 0; n < items_; ++n) scores[n] += row[n];
    }
    visit(q, 0, scores);
  }
}

}  // namespace factorps::eval

/// A sweep of alternating least squares against normal equations over a dense matrix.
#include "worker/als_work.hpp"

#include <Eigen/Cholesky>
#include <gtest/gtest.h>

#include "common/error.hpp"
#include "model/initial.hpp"
#include "tests/support/synthetic_dataset.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps::worker {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr std::size_t kDim = 16;
constexpr double kUnobserved = 0.2;
constexpr double kL2User = 0.3;
constexpr double kL2Item = 0.4;
constexpr double kL2Bias = 0.1;
constexpr double kExponent = 0.8;

class AlsWorkOf : public testing::Test {
 protected:
  /// @param values over known values, with biases; else over all pairs
  explicit AlsWorkOf(bool values = false) : values_{values} {
    const Grid& grid = dataset_.grid();
    for (std::uint32_t s = 0; s < grid.strips(); ++s) {
      fill(tables_.strip(StripId{s}), grid.users_of(StripId{s}).begin, Purpose::init_user);
    }
    for (std::uint32_t b = 0; b < grid.blocks(); ++b) {
      fill(tables_.block(BlockId{b}), grid.items_of(BlockId{b}).begin, Purpose::init_item);
    }
  }
  static void fill(RowsView rows, std::uint64_t first, Purpose table) {
    for (std::size_t r = 0; r < rows.rows; ++r) {
      initial_row({rows.factors + r * rows.stride, kDim}, first + r, 1, table, 0.3F);
    }
  }
  ps::AlsShare share() const {
    ps::AlsShare share{{0, dataset_.grid().strips()}, {}, true, !values_, values_};
    for (std::uint32_t b = 0; b < dataset_.grid().blocks(); ++b) share.blocks.emplace_back(b);
    return share;
  }
  AlsOptions options() const {
    AlsOptions options;
    options.kernels = als_kernels(InstructionSet::reference);
    options.l2_user = kL2User;
    options.l2_item = kL2Item;
    options.l2_exponent = kExponent;
    options.unobserved = kUnobserved;
    options.confidence = {Confidence::Kind::linear, 0.5F, 1};
    options.rank_at = 5;
    if (!values_) return options;
    options.unobserved = 0;
    options.l2_bias = kL2Bias;
    options.mu = dataset_.train_mean();
    options.predict = &predict_reference;
    return options;
  }
  void run(comm::PassKind kind) {
    comm::StartPass pass;
    pass.kind = kind;
    pass.part = static_cast<std::uint8_t>(Part::validation);
    work_.begin(pass);
    other_.begin(pass);
    for (bool worked = true; worked;) {  // in turn: each finds what the other has done
      worked = work_.try_piece().has_value();
      worked = other_.try_piece().has_value() || worked;
    }
    EXPECT_TRUE(work_.finished());
  }
  MatrixXd users() const { return table(als_.users(), dataset_.grid().users()); }
  MatrixXd items() const { return table(als_.items(), dataset_.grid().items()); }
  MatrixXd table(const float* rows, std::uint64_t count) const {
    using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    const auto width = static_cast<Eigen::Index>(tables_.stride());
    return Eigen::Map<const RowMajor>{rows, static_cast<Eigen::Index>(count), width}.cast<double>();
  }
  /// Weights of all pairs; 0 without an interaction.
  MatrixXd weights() const {
    return of_pairs(Part::train, [](float value) { return 1 + 0.5 * double{value}; });
  }
  /// What a function says of the values of all pairs; 0 without an interaction.
  template <class Function>
  MatrixXd of_pairs(Part part, Function&& function) const {
    const Grid& grid = dataset_.grid();
    MatrixXd all = MatrixXd::Zero(static_cast<Eigen::Index>(grid.users()),
                                  static_cast<Eigen::Index>(grid.items()));
    for (std::uint32_t s = 0; s < grid.strips(); ++s) {
      for (std::uint32_t b = 0; b < grid.blocks(); ++b) {
        const CellView cell = dataset_.cell(part, StripId{s}, BlockId{b});
        std::size_t n = 0;
        for (const factorps::Run& run : cell.runs) {
          for (const std::size_t end = n + run.count; n < end; ++n) {
            all(static_cast<Eigen::Index>(grid.users_of(StripId{s}).begin + run.user),
                static_cast<Eigen::Index>(grid.items_of(BlockId{b}).begin + cell.items[n])) =
                function(cell.value(n));
          }
        }
      }
    }
    return all;
  }
  /// What the rows of one table should be. @param weights [row x other]
  static MatrixXd solution(const MatrixXd& weights, const MatrixXd& others, double l2) {
    const double known = static_cast<double>((weights.colwise().sum().array() > 0).count());
    MatrixXd rows = MatrixXd::Zero(weights.rows(), others.cols());
    for (Eigen::Index r = 0; r < weights.rows(); ++r) {
      const VectorXd w = weights.row(r);
      const double count = static_cast<double>((w.array() > 0).count());
      if (count == 0) continue;
      MatrixXd h =
          others.transpose() * w.asDiagonal() * others + kUnobserved * others.transpose() * others;
      h.diagonal().array() += l2 * std::pow(count + kUnobserved * known, kExponent);
      rows.row(r) = h.llt().solve(others.transpose() * w);
    }
    return rows;
  }

  /// One of the sums that a pass leaves with the cells.
  double sum(std::size_t which) const {
    double sum = 0;
    for (std::uint32_t s = 0; s < dataset_.grid().strips(); ++s) {
      for (std::uint32_t b = 0; b < dataset_.grid().blocks(); ++b) {
        sum += tables_.sums(StripId{s}, BlockId{b})[which];
      }
    }
    return sum;
  }

  bool values_;
  test::TemporaryDirectory directory_;
  Dataset dataset_{test::write_synthetic(directory_ / "data.h5", {60, 40, 5, 3, 12, 1})};
  ps::NodeShare whole_{{0, dataset_.grid().strips()}, 0, false, values_ ? 2U : 0U};
  AlignedBuffer<std::byte> memory_{ps::Tables::bytes_needed(dataset_.grid(), kDim, whole_)};
  ps::Tables tables_{memory_.span(), dataset_.grid(), kDim, whole_};
  std::vector<std::uint64_t> cells_ = dataset_.cell_sizes(Part::train);
  AlignedBuffer<std::byte> als_memory_{
      ps::AlsTables::bytes_needed(dataset_.grid(), kDim, share(), cells_)};
  ps::AlsTables als_{als_memory_.span(), tables_, share(), cells_};
  AlsWork work_{als_, dataset_, options()};
  AlsWork other_{als_, dataset_, options()};
};

/// Rows are rounded to floats once, and G is: relative errors of 2^-24 in entries of a well
/// conditioned system (l2 of at least 0.3 x 3^0.8 against sums below 60) times its condition.
constexpr double kTolerance = 1e-4;

TEST_F(AlsWorkOf, SolvesWhatTheNormalEquationsSay) {
  run(comm::PassKind::index_rows);
  run(comm::PassKind::gram_users);
  const MatrixXd users_before = users();
  run(comm::PassKind::solve_items);
  const MatrixXd expected_items = solution(weights().transpose(), users_before, kL2Item);
  EXPECT_LT((items() - expected_items).cwiseAbs().maxCoeff(), kTolerance);
  run(comm::PassKind::gram_items);
  run(comm::PassKind::solve_users);
  const MatrixXd expected_users = solution(weights(), items(), kL2User);
  EXPECT_LT((users() - expected_users).cwiseAbs().maxCoeff(), kTolerance);
}

TEST_F(AlsWorkOf, SumsTheLossOfAllPairs) {
  for (const auto kind :
       {comm::PassKind::index_rows, comm::PassKind::gram_users, comm::PassKind::solve_items,
        comm::PassKind::gram_items, comm::PassKind::solve_users, comm::PassKind::gram_users}) {
    run(kind);
  }
  const MatrixXd scores = users() * items().transpose();
  const double expected = (weights().array() * (scores.array() - 1).square()).sum();
  EXPECT_EQ(sum(0), static_cast<double>(dataset_.interactions(Part::train)));
  EXPECT_NEAR(sum(1), expected, 1e-5 * expected);
  EXPECT_NEAR(inner_product(als_.gram_of_users(), als_.gram_of_items()), scores.squaredNorm(),
              1e-5 * scores.squaredNorm());
}

TEST_F(AlsWorkOf, RefusesPassesOfOtherSolvers) {
  comm::StartPass pass;
  pass.kind = comm::PassKind::train;
  EXPECT_THROW(work_.begin(pass), ProtocolError);
}

/// Over known values, with biases: rows are (factors, bias, 1) and (factors, 1, bias).
class AlsWorkOverValues : public AlsWorkOf {
 protected:
  AlsWorkOverValues() : AlsWorkOf{true} {
    const Grid& grid = dataset_.grid();
    for (std::uint32_t s = 0; s < grid.strips(); ++s) {
      als_.fill(tables_.strip(StripId{s}), als_.columns_of_users());
    }
    for (std::uint32_t b = 0; b < grid.blocks(); ++b) {
      als_.fill(tables_.block(BlockId{b}), als_.columns_of_items());
    }
    run(comm::PassKind::index_rows);
  }
  /// Value less mean of each pair, and whether there is one.
  MatrixXd known(Part part) const {
    return of_pairs(part, [](float) { return 1.0; });
  }
  MatrixXd targets(Part part) const {
    return of_pairs(part, [&](float value) { return double{value} - dataset_.train_mean(); });
  }
  /// Rows as the normal equations say, but for the column that is 1.
  /// @param known, targets [row x other] @param bias, constant columns of the rows
  static MatrixXd solution(const MatrixXd& known, const MatrixXd& targets, const MatrixXd& others,
                           double l2, Eigen::Index bias, Eigen::Index constant) {
    MatrixXd rows = MatrixXd::Zero(known.rows(), others.cols());
    for (Eigen::Index r = 0; r < known.rows(); ++r) {
      const VectorXd w = known.row(r);
      rows(r, constant) = 1;
      if (w.sum() == 0) continue;
      MatrixXd x = others;
      x.col(constant).setZero();
      const VectorXd t = targets.row(r).transpose() - others.col(constant);
      MatrixXd h = x.transpose() * w.asDiagonal() * x;
      const double frequency = std::pow(w.sum(), kExponent);
      h.diagonal().array() += l2 * frequency;
      h(bias, bias) += (kL2Bias - l2) * frequency;
      rows.row(r) = h.llt().solve(x.transpose() * w.asDiagonal() * t);
      rows(r, constant) = 1;
    }
    return rows;
  }
};

TEST_F(AlsWorkOverValues, SolvesFactorsAndBiasAtOnce) {
  const MatrixXd users_before = users();
  run(comm::PassKind::solve_items);
  const MatrixXd expected_items =
      solution(known(Part::train).transpose(), targets(Part::train).transpose(), users_before,
               kL2Item, kDim + 1, kDim);
  EXPECT_LT((items() - expected_items).cwiseAbs().maxCoeff(), kTolerance);
  run(comm::PassKind::solve_users);
  const MatrixXd expected_users =
      solution(known(Part::train), targets(Part::train), items(), kL2User, kDim, kDim + 1);
  EXPECT_LT((users() - expected_users).cwiseAbs().maxCoeff(), kTolerance);
  EXPECT_EQ(tables_.strip(StripId{2}).states[3].bias,
            tables_.strip(StripId{2}).factors[3 * tables_.stride() + kDim]);
}

TEST_F(AlsWorkOverValues, MeasuresErrorsOfPredictions) {
  run(comm::PassKind::solve_items);
  run(comm::PassKind::solve_users);
  const auto squares = [&](Part part) {
    const MatrixXd errors = users() * items().transpose() - targets(part);
    return (known(part).array() * errors.array().square()).sum();
  };
  EXPECT_EQ(sum(0), static_cast<double>(dataset_.interactions(Part::train)));
  EXPECT_NEAR(sum(1), squares(Part::train), 1e-5 * squares(Part::train));
  run(comm::PassKind::evaluate);
  EXPECT_EQ(sum(0), static_cast<double>(dataset_.interactions(Part::validation)));
  EXPECT_NEAR(sum(1), squares(Part::validation), 1e-5 * squares(Part::validation));
}

}  // namespace
}  // namespace factorps::worker

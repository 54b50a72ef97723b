/// Every instruction set against the reference, and the reference against finite differences.
///
/// A cell is a sequence of batches. One batch is compared with the reference within a bound that
/// is derived below; a whole cell must have exactly the bits of its batches, one after the other.
#include "model/kernels/sgd_kernel.hpp"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "tests/unit/model/kernels/cell_fixture.hpp"

namespace factorps::test {
namespace {

constexpr double kUnit = 0x1p-24;  // unit roundoff of float
constexpr std::size_t kStrides[]{16, 32, 48, 64, 80, 96, 128};

/// Bound of a chain of n rounded operations (Higham 2002, section 3.1), to first order.
double gamma(std::size_t n) { return static_cast<double>(n) * kUnit * 1.01; }

SgdStep squared_step() {
  SgdStep step;
  step.mu = 0.3F;
  step.rate = 0.11F;
  step.rate_bias = 0.07F;
  step.l2_user = 0.05F;
  step.l2_item = 0.02F;
  step.l2_bias = 0.03F;
  step.gain = 1;
  step.limit = std::numeric_limits<float>::max();
  return step;
}

struct NamedStep {
  const char* name;
  SgdStep step;
};

std::vector<NamedStep> steps() {
  std::vector<NamedStep> all{{"squared", squared_step()},
                             {"squared adagrad", squared_step()},
                             {"huber", squared_step()},
                             {"absolute adagrad", squared_step()}};
  all[1].step.accumulation = 0.1F;
  all[2].step.limit = 0.8F;
  all[3].step.gain = 1e30F;
  all[3].step.limit = 1;
  all[3].step.accumulation = 0.1F;
  return all;
}

/// Rows and one cell; every combination has values of its own.
struct Problem {
  Problem(std::size_t stride, unsigned seed, std::size_t num_items = 24)
      : random{seed}, users{5, stride - 3, stride}, items{num_items, stride - 3, stride} {
    const float scale = 1 / std::sqrt(static_cast<float>(stride));
    users.fill(random, 2 * scale);
    items.fill(random, 2 * scale);
  }
  std::mt19937 random;
  Table users;
  Table items;
  Cell cell;
};

double magnitude_of_prediction(Problem& before, std::uint32_t user, std::uint16_t item,
                               const SgdStep& step) {
  double sum = std::abs(double{step.mu}) + std::abs(double{before.users.state(user).bias}) +
               std::abs(double{before.items.state(item).bias});
  for (std::size_t f = 0; f < before.users.dim(); ++f) {
    sum += std::abs(double{before.users.row(user)[f]} * before.items.row(item)[f]);
  }
  return sum;
}

double prediction(Problem& before, std::uint32_t user, std::uint16_t item, const SgdStep& step) {
  double sum = double{step.mu} + before.users.state(user).bias + before.items.state(item).bias;
  for (std::size_t f = 0; f < before.users.dim(); ++f) {
    sum += double{before.users.row(user)[f]} * before.items.row(item)[f];
  }
  return sum;
}

/// How far a float kernel may be from the exact result of a cell of one batch. Each bound counts
/// the roundings of sgd_kernel.hpp's formulas, in any order of the sums.
class Bounds {
 public:
  Bounds(Problem& before, const SgdStep& step) : before_{before}, step_{step} {
    const CellView cell = before.cell.view();
    user_ = cell.runs[0].user;
    for (std::size_t k = 0; k < cell.size(); ++k) add(cell.items[k], double{cell.value(k)});
    loss_ += gamma(6) * loss_sum_;
  }
  [[nodiscard]] double loss() const { return loss_; }

  /// @param k interaction of the batch
  void expect_items_near(Table& found, Table& expected) const {
    const float* p = before_.users.row(user_);
    for (std::size_t k = 0; k < g_.size(); ++k) {
      const std::uint16_t item = before_.cell.items[k];
      const float* q = before_.items.row(item);
      const double rate = step_.rate * scale_of(before_.items.state(item));
      for (std::size_t f = 0; f < before_.items.dim(); ++f) {
        const double size = std::abs(q[f]) + rate * (std::abs(g_[k] * p[f]) +
                                                     double{step_.l2_item} * std::abs(q[f]));
        ASSERT_NEAR(found.row(item)[f], expected.row(item)[f],
                    rate * std::abs(p[f]) * g_error_[k] + gamma(8) * size);
      }
      expect_state_near(found.state(item), expected.state(item), before_.items.state(item),
                        {k, k + 1});
    }
  }

  void expect_user_near(Table& found, Table& expected) const {
    const float* p = before_.users.row(user_);
    const double n = static_cast<double>(g_.size());
    const double rate = step_.rate * scale_of(before_.users.state(user_));
    for (std::size_t f = 0; f < before_.users.dim(); ++f) {
      double size = std::abs(p[f]) + rate * n * double{step_.l2_user} * std::abs(p[f]);
      double from_gradient = 0;
      for (std::size_t k = 0; k < g_.size(); ++k) {
        const double q = std::abs(before_.items.row(before_.cell.items[k])[f]);
        size += rate * std::abs(g_[k]) * q;
        from_gradient += rate * q * g_error_[k];
      }
      ASSERT_NEAR(found.row(user_)[f], expected.row(user_)[f], from_gradient + gamma(16) * size);
    }
    expect_state_near(found.state(user_), expected.state(user_), before_.users.state(user_),
                      {0, g_.size()});
  }

 private:
  static double scale_of(const RowState& state) { return 1 / std::sqrt(1.0 + state.accumulator); }

  void add(std::uint16_t item, double value) {
    const double error = value - prediction(before_, user_, item, step_);
    const double error_bound =
        gamma(before_.users.stride() + 8) *
        (std::abs(value) + magnitude_of_prediction(before_, user_, item, step_));
    const double limit = step_.limit;
    if (step_.gain > 1) {  // a sign: right unless the error may be 0
      ASSERT_GT(std::abs(error), error_bound);
      g_.push_back(std::copysign(limit, error));
      g_error_.push_back(0);
    } else {
      g_.push_back(std::clamp(error, -limit, limit));
      g_error_.push_back(error_bound);
    }
    loss_sum_ += error * error;
    loss_ += 2 * std::abs(error) * error_bound + error_bound * error_bound;
  }

  void expect_state_near(const RowState& found, const RowState& expected, const RowState& before,
                         std::pair<std::size_t, std::size_t> range) const {
    const double rate = step_.rate_bias * scale_of(before);
    const double bias = std::abs(double{before.bias});
    double size = bias;
    double bound = 0;
    double square = before.accumulator;
    double square_bound = 0;
    for (std::size_t k = range.first; k < range.second; ++k) {
      size += rate * (std::abs(g_[k]) + double{step_.l2_bias} * bias);
      bound += rate * g_error_[k];
      square += step_.accumulation * g_[k] * g_[k];
      square_bound += step_.accumulation * (2 * std::abs(g_[k]) + g_error_[k]) * g_error_[k];
    }
    ASSERT_NEAR(found.bias, expected.bias, bound + gamma(16) * size);
    ASSERT_NEAR(found.accumulator, expected.accumulator, square_bound + gamma(12) * square);
  }

  Problem& before_;
  SgdStep step_;
  std::uint32_t user_ = 0;
  std::vector<double> g_;        // [interaction]
  std::vector<double> g_error_;  // [interaction]
  double loss_ = 0;
  double loss_sum_ = 0;
};

void expect_batch_agrees(const Kernels& kernels, Problem& problem, const SgdStep& step) {
  Table users{problem.users};
  Table items{problem.items};
  Table expected_users{problem.users};
  Table expected_items{problem.items};
  const CellView cell = problem.cell.view();
  const double loss = kernels.train(cell, users.view(), items.view(), step);
  const double expected = train_reference(cell, expected_users.view(), expected_items.view(), step);
  const Bounds bounds{problem, step};
  EXPECT_NEAR(loss, expected, bounds.loss());
  bounds.expect_items_near(items, expected_items);
  bounds.expect_user_near(users, expected_users);
  EXPECT_TRUE(users.padding_is_zero());
  EXPECT_TRUE(items.padding_is_zero());
  for (std::size_t r = 0; r < users.rows(); ++r) {
    EXPECT_EQ(users.same_row(problem.users, r), r != cell.runs[0].user);
  }
  for (std::size_t r = 0; r < items.rows(); ++r) {
    const bool touched = std::ranges::count(cell.items, static_cast<std::uint16_t>(r)) > 0;
    EXPECT_EQ(items.same_row(problem.items, r), !touched);
  }
}

TEST(TrainCell, AgreesWithTheReferenceOnABatch) {
  unsigned seed = 0;
  for (const Kernels& kernels : usable_kernels()) {
    for (const std::size_t stride : kStrides) {
      for (std::uint32_t count = 1; count <= kBatch; ++count) {
        for (const auto& [name, step] : steps()) {
          SCOPED_TRACE(testing::Message() << name_of(kernels.set) << ", stride " << stride << ", "
                                          << count << " interactions, " << name);
          Problem problem{stride, ++seed};
          problem.cell.add_run(3, count, problem.items.rows(), problem.random);
          if (seed % 2 == 0) problem.cell.code = {true, -2, 0.015625F};
          expect_batch_agrees(kernels, problem, step);
          if (testing::Test::HasFatalFailure()) return;
        }
      }
    }
  }
}

/// The batches of a cell in the order that sgd_kernel.hpp promises.
std::vector<Cell> batches_in_order(const Cell& cell) {
  std::vector<Cell> halves[2];
  std::size_t position = 0;
  for (std::size_t r = 0; r < cell.runs.size(); ++r) {
    const Run& run = cell.runs[r];
    for (std::size_t done = 0; done < run.count; done += kBatch) {
      halves[r < cell.runs.size() / 2 ? 0 : 1].push_back(
          cell.batch(run.user, position + done, std::min<std::size_t>(kBatch, run.count - done)));
    }
    position += run.count;
  }
  std::vector<Cell> result;
  for (std::size_t n = 0; n < std::max(halves[0].size(), halves[1].size()); ++n) {
    for (const auto& half : halves) {
      if (n < half.size()) result.push_back(half[n]);
    }
  }
  return result;
}

void expect_same_bits_as_batches(const Kernels& kernels, Problem& problem, const SgdStep& step) {
  Table users{problem.users};
  Table items{problem.items};
  double loss = 0;
  for (const Cell& batch : batches_in_order(problem.cell)) {
    loss += kernels.train(batch.view(), users.view(), items.view(), step);
  }
  const double found =
      kernels.train(problem.cell.view(), problem.users.view(), problem.items.view(), step);
  EXPECT_TRUE(problem.users.same_rows(users));
  EXPECT_TRUE(problem.items.same_rows(items));
  // Up to 64 squares per lane and 8 lanes are added in float before a double takes over.
  EXPECT_NEAR(found, loss, gamma(64 + 8) * loss);
}

TEST(TrainCell, HasTheBitsOfItsBatchesInOrder) {
  unsigned seed = 100;
  for (const Kernels& kernels : usable_kernels()) {
    for (const std::size_t stride : kStrides) {
      for (std::uint32_t count = 1; count <= 20; ++count) {
        for (std::uint32_t runs = 1; runs <= 5; ++runs) {
          SCOPED_TRACE(testing::Message() << name_of(kernels.set) << ", stride " << stride << ", "
                                          << runs << " runs of up to " << count);
          Problem problem{stride, ++seed};
          for (std::uint32_t u = 0; u < runs; ++u) {
            const std::uint32_t length = u == 0 ? count : 1 + count * (u * 7 % 5) / 5;
            problem.cell.add_run(u, length, problem.items.rows(), problem.random);
          }
          if (seed % 2 == 0) problem.cell.code = {true, -2, 0.015625F};
          expect_same_bits_as_batches(kernels, problem, steps()[count % 4].step);
        }
      }
    }
  }
}

TEST(TrainCell, AddsUpTheLossOfLongRuns) {
  for (const Kernels& kernels : usable_kernels()) {
    Problem problem{32, 5, 1200};
    for (const std::uint32_t user : {0U, 2U})
      problem.cell.add_run(user, 1100, 1200, problem.random);
    expect_same_bits_as_batches(kernels, problem, squared_step());
  }
}

// Every number has few binary digits, so no operation rounds and every kernel is exact.
TEST(TrainCell, IsExactOnSmallNumbers) {
  SgdStep step;
  step.mu = 1;
  step.rate = 0.25F;
  step.rate_bias = 0.5F;
  step.l2_user = 0.5F;
  step.l2_item = 0.25F;
  step.l2_bias = 0.5F;
  step.limit = 64;
  for (const Kernels& kernels : usable_kernels()) {
    for (const std::size_t stride : kStrides) {
      Table users{2, 2, stride};
      Table items{12, 2, stride};
      for (std::size_t r = 0; r < 12; ++r) {
        items.row(r)[0] = r % 2 == 0 ? 1.0F : -1.0F;
        items.row(r)[1] = r % 3 == 0 ? 1.0F : 0.0F;
      }
      users.row(0)[0] = users.row(1)[1] = 1;
      Cell cell;
      std::mt19937 random{1};
      cell.add_run(0, 11, 12, random);
      cell.add_run(1, 3, 12, random);
      std::ranges::transform(cell.codes, cell.values.begin(),
                             [](std::uint8_t code) { return static_cast<float>(code % 4); });
      Table expected_users{users};
      Table expected_items{items};
      EXPECT_EQ(kernels.train(cell.view(), users.view(), items.view(), step),
                train_reference(cell.view(), expected_users.view(), expected_items.view(), step))
          << name_of(kernels.set) << ' ' << stride;
      EXPECT_TRUE(users.same_rows(expected_users)) << name_of(kernels.set) << ' ' << stride;
      EXPECT_TRUE(items.same_rows(expected_items)) << name_of(kernels.set) << ' ' << stride;
    }
  }
}

TEST(TrainCell, LeavesAllRowsOfAnEmptyCellAlone) {
  for (const Kernels& kernels : usable_kernels()) {
    Problem problem{32, 1};
    Table users{problem.users};
    Table items{problem.items};
    EXPECT_EQ(kernels.train(problem.cell.view(), users.view(), items.view(), squared_step()), 0.0);
    EXPECT_TRUE(users.same_rows(problem.users));
    EXPECT_TRUE(items.same_rows(problem.items));
  }
}

TEST(PredictCell, AgreesWithTheFormula) {
  const SgdStep step = squared_step();
  for (const Kernels& kernels : usable_kernels()) {
    for (const std::size_t stride : kStrides) {
      Problem problem{stride, 9};
      for (const std::uint32_t u : {0U, 1U, 4U}) {
        problem.cell.add_run(u, 1 + 3 * u, problem.items.rows(), problem.random);
      }
      const CellView cell = problem.cell.view();
      std::vector<float> found(cell.size());
      kernels.predict(cell, problem.users.view(), problem.items.view(), step.mu, found.data());
      std::size_t n = 0;
      for (const factorps::Run& run : cell.runs) {
        for (const std::size_t end = n + run.count; n < end; ++n) {
          EXPECT_NEAR(
              found[n], prediction(problem, run.user, cell.items[n], step),
              gamma(stride + 4) * magnitude_of_prediction(problem, run.user, cell.items[n], step));
        }
      }
    }
  }
}

/// The objective of a batch: 1/2 loss + 1/2 L2 penalty for each interaction.
double objective(Problem& at, const SgdStep& step) {
  const CellView cell = at.cell.view();
  const std::uint32_t user = cell.runs[0].user;
  const auto squares = [](const float* row, std::size_t n) {
    double sum = 0;
    for (std::size_t f = 0; f < n; ++f) sum += double{row[f]} * row[f];
    return sum;
  };
  const auto square = [](double x) { return x * x; };
  double sum = 0;
  for (std::size_t k = 0; k < cell.size(); ++k) {
    const std::uint16_t item = cell.items[k];
    const double e = std::abs(double{cell.value(k)} - prediction(at, user, item, step));
    const double limit = step.limit;
    sum += e <= limit ? e * e / 2 : limit * (e - limit / 2);
    sum += (double{step.l2_user} * squares(at.users.row(user), at.users.dim()) +
            double{step.l2_item} * squares(at.items.row(item), at.items.dim()) +
            double{step.l2_bias} * (square(double{at.users.state(user).bias}) +
                                    square(double{at.items.state(item).bias}))) /
           2;
  }
  return sum;
}

// The objective is at most quadratic in each single parameter, so central differences have no
// truncation error (the seed keeps Huber's errors away from its kink); 2^-6 is added and taken away
// without rounding more than kUnit. What is left is the rounding of the stored float.
void expect_step_along(Problem& before, const SgdStep& step, float& parameter, float after,
                       double rate) {
  constexpr float kStep = 0x1p-6F;
  const float here = parameter;
  parameter = here + kStep;
  const double up = parameter;
  const double above = objective(before, step);
  parameter = here - kStep;
  const double width = up - parameter;
  const double below = objective(before, step);
  parameter = here;
  EXPECT_NEAR(after, here - rate * (above - below) / width, 4 * kUnit * (std::abs(here) + rate));
}

TEST(TrainReference, StepsAgainstTheGradient) {
  for (const float limit : {std::numeric_limits<float>::max(), 0.5F}) {
    SgdStep step = squared_step();
    step.limit = limit;
    Problem before{16, 3};
    before.cell.add_run(2, 5, before.items.rows(), before.random);
    Table users{before.users};
    Table items{before.items};
    train_reference(before.cell.view(), users.view(), items.view(), step);
    const auto scale = [](const RowState& s) { return 1 / std::sqrt(1.0 + s.accumulator); };
    const RowState user = before.users.state(2);
    for (std::size_t f = 0; f < before.users.dim(); ++f) {
      expect_step_along(before, step, before.users.row(2)[f], users.row(2)[f],
                        step.rate * scale(user));
    }
    expect_step_along(before, step, before.users.state(2).bias, users.state(2).bias,
                      step.rate_bias * scale(user));
    for (const std::uint16_t i : before.cell.items) {
      const RowState item = before.items.state(i);
      for (std::size_t f = 0; f < before.items.dim(); ++f) {
        expect_step_along(before, step, before.items.row(i)[f], items.row(i)[f],
                          step.rate * scale(item));
      }
      expect_step_along(before, step, before.items.state(i).bias, items.state(i).bias,
                        step.rate_bias * scale(item));
    }
  }
}

TEST(UsableKernels, StartWithTheReferenceAndEndWithTheBest) {
  const auto usable = usable_kernels();
  ASSERT_FALSE(usable.empty());
  EXPECT_EQ(usable.front().set, InstructionSet::reference);
  EXPECT_EQ(usable.back().set, best_kernels().set);
  for (std::size_t n = 1; n < usable.size(); ++n) EXPECT_LT(usable[n - 1].set, usable[n].set);
}

TEST(InstructionSet, HasTheNameOfTheConfiguration) {
  EXPECT_EQ(name_of(InstructionSet::reference), "reference");
  EXPECT_EQ(name_of(InstructionSet::sse4), "sse4");
  EXPECT_EQ(name_of(InstructionSet::avx2), "avx2");
  EXPECT_EQ(name_of(InstructionSet::avx512), "avx512");
}

}  // namespace
}  // namespace factorps::test

/// Every instruction set against the reference, and the reference against finite differences.
///
/// A cell is a sequence of pairs of batches. One pair is compared with the reference within a bound
/// that is derived below; a whole cell must have exactly the bits of its pairs, one after the
/// other.
#include "model/kernels/sgd_kernel.hpp"

#include <cmath>
#include <limits>
#include <map>
#include <utility>

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

/// A number and how far a float kernel may be from it.
struct Near {
  double value = 0;
  double bound = 0;

  /// Adds a number of which `error` is the bound; `size` is the sum of the magnitudes that one
  /// update adds up, with fewer than 16 roundings in any order.
  void add(double number, double error, double size) {
    bound += error + gamma(16) * size;
    value += number;
  }
};

/// One row and its state, followed through the updates of a pair in double.
struct NearRow {
  NearRow(const float* row, std::size_t dim, const RowState& state)
      : factors(dim), bias{double{state.bias}, 0}, accumulator{double{state.accumulator}, 0} {
    for (std::size_t f = 0; f < dim; ++f) factors[f].value = double{row[f]};
  }
  void expect_near(const float* row, const RowState& state, const float* expected,
                   const RowState& expected_state) const {
    for (std::size_t f = 0; f < factors.size(); ++f) {
      ASSERT_NEAR(row[f], expected[f], factors[f].bound) << "column " << f;
    }
    ASSERT_NEAR(state.bias, expected_state.bias, bias.bound);
    ASSERT_NEAR(state.accumulator, expected_state.accumulator, accumulator.bound);
  }
  std::vector<Near> factors;
  Near bias;
  Near accumulator;
};

/// How far a float kernel may be from the exact result of a pair: sgd_kernel.hpp's formulas with a
/// bound for every number. Each bound holds to first order in the unit roundoff.
class Bounds {
 public:
  Bounds(Problem& before, const SgdStep& step) : before_{before}, step_{step} {
    const CellView cell = before.cell.view();
    std::size_t n = 0;
    for (const factorps::Run& run : cell.runs) {
      for (const std::size_t end = n + run.count; n < end; ++n) find_gradient(run.user, n);
    }
    loss_.bound += gamma(16) * loss_.value;
    n = 0;
    for (const factorps::Run& run : cell.runs) {
      update_user(run, n);
      n += run.count;
    }
  }

  void expect_near(double loss, Table& users, Table& items, double expected_loss,
                   Table& expected_users, Table& expected_items) const {
    ASSERT_NEAR(loss, expected_loss, loss_.bound);
    for (const auto& [user, row] : users_) {
      row.expect_near(users.row(user), users.state(user), expected_users.row(user),
                      expected_users.state(user));
    }
    for (const auto& [item, row] : items_) {
      row.expect_near(items.row(item), items.state(item), expected_items.row(item),
                      expected_items.state(item));
    }
  }

 private:
  static double scale_of(const RowState& state) { return 1 / std::sqrt(1.0 + state.accumulator); }

  void find_gradient(std::uint32_t user, std::size_t n) {
    const std::uint16_t item = before_.cell.items[n];
    const double value = double{before_.cell.view().value(n)};
    const double error = value - prediction(before_, user, item, step_);
    const double bound = gamma(before_.users.stride() + 8) *
                         (std::abs(value) + magnitude_of_prediction(before_, user, item, step_));
    const double limit = step_.limit;
    if (step_.gain > 1) {  // a sign: right unless the error may be 0
      ASSERT_GT(std::abs(error), bound);
      g_.push_back({std::copysign(limit, error), 0});
    } else {
      g_.push_back({std::clamp(error, -limit, limit), bound});
    }
    loss_.value += error * error;
    loss_.bound += 2 * std::abs(error) * bound + bound * bound;
  }

  void update_item(NearRow& row, const RowState& old, const Near& g, const float* p) const {
    const double rate = step_.rate * scale_of(old);
    for (std::size_t f = 0; f < row.factors.size(); ++f) {
      const double q = row.factors[f].value;
      const double pull = g.value * double{p[f]};
      const double decay = double{step_.l2_item} * q;
      row.factors[f].add(rate * (pull - decay), rate * std::abs(p[f]) * g.bound,
                         std::abs(q) + rate * (std::abs(pull) + std::abs(decay)));
    }
    update_state(row, old, g);
  }

  void update_state(NearRow& row, const RowState& old, const Near& g) const {
    const double rate = step_.rate_bias * scale_of(old);
    const double decay = double{step_.l2_bias} * double{old.bias};
    row.bias.add(rate * (g.value - decay), rate * g.bound,
                 std::abs(row.bias.value) + rate * (std::abs(g.value) + std::abs(decay)));
    add_square(row, g);
  }

  void add_square(NearRow& row, const Near& g) const {
    const double square = step_.accumulation * g.value * g.value;
    row.accumulator.add(square, step_.accumulation * (2 * std::abs(g.value) + g.bound) * g.bound,
                        row.accumulator.value + square);
  }

  void update_user(const factorps::Run& run, std::size_t first) {
    const float* p = before_.users.row(run.user);
    const RowState old = before_.users.state(run.user);
    NearRow row{p, before_.users.dim(), old};
    std::vector<Near> total(row.factors.size());
    std::vector<double> size(row.factors.size(), 0.0);
    Near sum;
    double sum_size = 0;
    for (std::size_t n = first; n < first + run.count; ++n) {
      const std::uint16_t item = before_.cell.items[n];
      NearRow& q = items_
                       .try_emplace(item, before_.items.row(item), before_.items.dim(),
                                    before_.items.state(item))
                       .first->second;
      for (std::size_t f = 0; f < total.size(); ++f) {
        total[f].value += g_[n].value * q.factors[f].value;
        total[f].bound +=
            std::abs(g_[n].value) * q.factors[f].bound + std::abs(q.factors[f].value) * g_[n].bound;
        size[f] += std::abs(g_[n].value * q.factors[f].value);
      }
      update_item(q, before_.items.state(item), g_[n], p);
      sum.value += g_[n].value;
      sum.bound += g_[n].bound;
      sum_size += std::abs(g_[n].value);
      add_square(row, g_[n]);
    }
    const double rate = step_.rate * scale_of(old);
    const double count = run.count;
    for (std::size_t f = 0; f < total.size(); ++f) {
      const double decay = count * double{step_.l2_user} * double{p[f]};
      row.factors[f].add(rate * (total[f].value - decay), rate * total[f].bound,
                         std::abs(p[f]) + rate * (size[f] + std::abs(decay)));
    }
    const double bias_rate = step_.rate_bias * scale_of(old);
    const double decay = count * double{step_.l2_bias} * double{old.bias};
    row.bias.add(bias_rate * (sum.value - decay), bias_rate * sum.bound,
                 std::abs(double{old.bias}) + bias_rate * (sum_size + std::abs(decay)));
    users_.emplace(run.user, std::move(row));
  }

  Problem& before_;
  SgdStep step_;
  std::vector<Near> g_;  // [interaction]
  Near loss_;
  std::map<std::uint32_t, NearRow> users_;
  std::map<std::uint16_t, NearRow> items_;
};

void expect_pair_agrees(const Kernels& kernels, Problem& problem, const SgdStep& step) {
  Table users{problem.users};
  Table items{problem.items};
  Table expected_users{problem.users};
  Table expected_items{problem.items};
  const CellView cell = problem.cell.view();
  const double loss = kernels.train(cell, users.view(), items.view(), step);
  const double expected = train_reference(cell, expected_users.view(), expected_items.view(), step);
  Bounds{problem, step}.expect_near(loss, users, items, expected, expected_users, expected_items);
  EXPECT_TRUE(users.padding_is_zero());
  EXPECT_TRUE(items.padding_is_zero());
  for (std::uint32_t r = 0; r < users.rows(); ++r) {
    const bool touched = std::ranges::count(cell.runs, r, &factorps::Run::user) > 0;
    EXPECT_EQ(users.same_row(problem.users, r), !touched);
  }
  for (std::size_t r = 0; r < items.rows(); ++r) {
    const bool touched = std::ranges::count(cell.items, static_cast<std::uint16_t>(r)) > 0;
    EXPECT_EQ(items.same_row(problem.items, r), !touched);
  }
}

// The second user has 0 (a pair of one batch only) or more interactions, most of them with items
// of the first one too: there are only ten.
TEST(TrainCell, AgreesWithTheReferenceOnAPair) {
  unsigned seed = 0;
  for (const Kernels& kernels : usable_kernels()) {
    for (const std::size_t stride : kStrides) {
      for (std::uint32_t count = 1; count <= kBatch; ++count) {
        for (const auto& [name, step] : steps()) {
          const std::uint32_t second = ++seed % (kBatch + 1);
          SCOPED_TRACE(testing::Message() << name_of(kernels.set) << ", stride " << stride << ", "
                                          << count << " + " << second << " interactions, " << name);
          Problem problem{stride, seed, 10};
          problem.cell.add_run(1, count, problem.items.rows(), problem.random);
          if (second > 0) problem.cell.add_run(3, second, problem.items.rows(), problem.random);
          if (seed % 2 == 0) problem.cell.code = {true, -2, 0.015625F};
          expect_pair_agrees(kernels, problem, step);
          if (testing::Test::HasFatalFailure()) return;
        }
      }
    }
  }
}

// Datasets may keep duplicates.
TEST(TrainCell, AgreesWithTheReferenceWhereAnItemStandsTwice) {
  for (const Kernels& kernels : usable_kernels()) {
    for (const auto& [name, step] : steps()) {
      SCOPED_TRACE(testing::Message() << name_of(kernels.set) << ", " << name);
      Problem problem{32, 3, 10};
      problem.cell.add_run(1, 6, 10, problem.random);
      problem.cell.add_run(3, 5, 10, problem.random);
      problem.cell.items = {2, 4, 4, 4, 7, 9, 1, 4, 4, 8, 8};
      expect_pair_agrees(kernels, problem, step);
    }
  }
}

/// The pairs of a cell in the order that sgd_kernel.hpp promises, each as a cell.
std::vector<Cell> pairs_of(const Cell& cell) {
  const std::size_t half = halves_of(cell.view()).run;
  std::vector<Cell> pairs;
  std::size_t position = 0;
  std::size_t next = 0;  // pair
  for (std::size_t r = 0; r < cell.runs.size(); ++r) {
    if (r == half) next = 0;
    const auto& run = cell.runs[r];
    for (std::size_t done = 0; done < run.count; done += kBatch) {
      if (next == pairs.size()) pairs.push_back({{}, {}, {}, {}, cell.code});
      pairs[next++].add_batch(cell, run.user, position + done,
                              std::min<std::size_t>(kBatch, run.count - done));
    }
    position += run.count;
  }
  return pairs;
}

void expect_same_bits_as_pairs(const Kernels& kernels, Problem& problem, const SgdStep& step) {
  Table users{problem.users};
  Table items{problem.items};
  double loss = 0;
  for (const Cell& pair : pairs_of(problem.cell)) {
    loss += kernels.train(pair.view(), users.view(), items.view(), step);
  }
  const double found =
      kernels.train(problem.cell.view(), problem.users.view(), problem.items.view(), step);
  EXPECT_TRUE(problem.users.same_rows(users));
  EXPECT_TRUE(problem.items.same_rows(items));
  // Up to 128 squares are added in float before a double takes over.
  EXPECT_NEAR(found, loss, gamma(128 + 16) * loss);
}

TEST(TrainCell, HasTheBitsOfItsPairsInOrder) {
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
          expect_same_bits_as_pairs(kernels, problem, steps()[count % 4].step);
        }
      }
    }
  }
}

TEST(TrainCell, AddsUpTheLossOfLongRuns) {
  for (const Kernels& kernels : usable_kernels()) {
    Problem problem{32, 5, 1200};
    for (const std::uint32_t user : {0U, 2U}) {
      problem.cell.add_run(user, 1100, 1200, problem.random);
    }
    expect_same_bits_as_pairs(kernels, problem, squared_step());
  }
}

TEST(HalvesOf, CutsBetweenRunsWhereHalfOfTheBatchesAre) {
  const auto halves = [](const std::vector<std::uint32_t>& counts) {
    Cell cell;
    std::mt19937 random{1};
    for (std::uint32_t r = 0; r < counts.size(); ++r) cell.add_run(r, counts[r], 100, random);
    const CellHalves found = halves_of(cell.view());
    return std::pair{found.run, found.position};
  };
  EXPECT_EQ(halves({}), (std::pair<std::size_t, std::size_t>{0, 0}));
  EXPECT_EQ(halves({5}), (std::pair<std::size_t, std::size_t>{1, 5}));
  EXPECT_EQ(halves({5, 5}), (std::pair<std::size_t, std::size_t>{1, 5}));
  EXPECT_EQ(halves({1, 1, 17}), (std::pair<std::size_t, std::size_t>{3, 19}));
  EXPECT_EQ(halves({17, 1, 1}), (std::pair<std::size_t, std::size_t>{1, 17}));
  EXPECT_EQ(halves({8, 8, 8, 8}), (std::pair<std::size_t, std::size_t>{2, 16}));
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

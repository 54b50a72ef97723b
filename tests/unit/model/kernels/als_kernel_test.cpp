/// Every instruction set against the reference, and the reference against what a minimum is.
#include "model/kernels/als_kernel.hpp"

#include <cmath>
#include <deque>
#include <limits>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace factorps::test {
namespace {

constexpr std::size_t kOthers = 300;

enum class Kind {
  plain,     ///< targets and weights are 1
  weighted,  ///< targets are 1
  biased,    ///< targets of any kind, no Gram matrix, two columns of biases
};

/// A table, its Gram matrix, and tasks of many sizes. The last three columns are padding; with
/// biases, the first two of them are the bias of the row and that of the other one.
class Problem {
 public:
  Problem(std::size_t stride, std::size_t block, std::size_t cg_steps, Kind kind, unsigned seed = 1)
      : random_{seed}, fixed_(kOthers * stride), gram_(stride * stride), kind_{kind} {
    const std::size_t dim = stride - 3;
    const float std = 1 / std::sqrt(static_cast<float>(dim));
    for (std::size_t n = 0; n < fixed_.size(); ++n) {
      fixed_.data()[n] = n % stride < dim ? std * normal() : 0.0F;
    }
    problem = {fixed_.data(), gram_.data(), stride, block, cg_steps};
    if (kind == Kind::biased) {
      problem.bias = dim;
      problem.constant = dim + 1;
      for (std::size_t n = 0; n < fixed_.size(); n += stride) {
        fixed_.data()[n + problem.bias] = 1;
        fixed_.data()[n + problem.constant] = normal();
      }
    } else {
      for (std::size_t n = 0; n < gram_.size(); ++n) {
        gram_.data()[n] = gram(stride, n / stride, n % stride);
      }
    }
    for (const unsigned count : {0U, 1U, 3U, 4U, 5U, 8U, 63U, 64U, 65U, 200U, 130U, 2U, 7U}) {
      add_task(count);
    }
    start();
  }
  Problem(const Problem&) = delete;
  Problem& operator=(const Problem&) = delete;

  void start() {
    std::mt19937 random{7};
    rows_ = AlignedBuffer<float>{tasks.size() * problem.stride};
    for (std::size_t n = 0; n < rows_.size(); ++n) {
      const bool padding = n % problem.stride >= problem.stride - 3;
      rows_.data()[n] = padding ? 0.0F : std::normal_distribution<float>{0, 0.1F}(random);
    }
    for (std::size_t t = 0; t < tasks.size(); ++t) {
      tasks[t].row = rows_.data() + t * problem.stride;
      if (kind_ == Kind::biased) tasks[t].row[problem.constant] = 1;
    }
  }
  [[nodiscard]] std::vector<float> rows() const {
    return {rows_.data(), rows_.data() + rows_.size()};
  }
  [[nodiscard]] double error(const AlsTask& task, const std::vector<double>& p,
                             std::size_t n) const {
    double sum = task.targets == nullptr ? -1.0 : -double{task.targets[n]};
    for (std::size_t c = 0; c < problem.stride; ++c) {
      sum += p[c] * fixed_.data()[task.others[n] * problem.stride + c];
    }
    return sum;
  }
  /// The loss of a row as the header states it.
  [[nodiscard]] double loss(const AlsTask& task, const std::vector<double>& p) const {
    double loss = 0;
    for (std::size_t n = 0; n < task.others.size(); ++n) {
      const double e = error(task, p, n);
      loss += (task.weights == nullptr ? 1.0 : double{task.weights[n]}) * e * e;
    }
    for (std::size_t i = 0; i < problem.stride; ++i) {
      loss += double{i == problem.bias ? task.l2_bias : task.l2} * p[i] * p[i];
      for (std::size_t j = 0; j < problem.stride; ++j) {
        loss += p[i] * p[j] * double{gram_.data()[i * problem.stride + j]};
      }
    }
    return loss;
  }

  AlsProblem problem;
  std::vector<AlsTask> tasks;

 private:
  float normal() { return std::normal_distribution<float>{}(random_); }
  float gram(std::size_t stride, std::size_t i, std::size_t j) const {
    double sum = 0;
    for (std::size_t r = 0; r < kOthers; ++r) {
      sum += double{fixed_.data()[r * stride + i]} * double{fixed_.data()[r * stride + j]};
    }
    return static_cast<float>(0.1 * sum);
  }
  void add_task(std::size_t count) {
    auto& others = others_.emplace_back();
    auto& numbers = numbers_.emplace_back();
    for (std::size_t n = 0; n < count; ++n) {
      others.push_back(static_cast<std::uint32_t>(random_() % kOthers));
      numbers.push_back(kind_ == Kind::biased ? normal() : std::abs(normal()));
    }
    AlsTask task;
    task.others = others;
    if (kind_ == Kind::weighted) task.weights = numbers.data();
    if (kind_ == Kind::biased) task.targets = numbers.data();
    task.l2 = 2.0F + static_cast<float>(count) / 20;
    task.l2_bias = 1.5F * task.l2;
    tasks.push_back(task);
  }

  std::mt19937 random_;
  AlignedBuffer<float> fixed_;
  AlignedBuffer<float> gram_;
  AlignedBuffer<float> rows_;
  std::deque<std::vector<std::uint32_t>> others_;
  std::deque<std::vector<float>> numbers_;  // of interactions
  Kind kind_;
};

struct Case {
  std::size_t stride;
  std::size_t block;
  std::size_t cg_steps;
  Kind kind;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const Kind kind : {Kind::plain, Kind::weighted, Kind::biased}) {
    for (const unsigned stride : {16U, 48U, 64U, 96U, 128U}) {
      all.push_back({stride, stride, 0, kind});
      all.push_back({stride, 16, 0, kind});
      all.push_back({stride, stride, 3, kind});
    }
    all.push_back({96, 64, 0, kind});  // the last block is shorter
  }
  return all;
}

/// Forward error of a solution in floats: condition x rounding of the sums (Higham 2002, theorem
/// 10.4, to first order). Tasks have at most 200 rows of squared norm about 1 and weight about 1,
/// and l2 of at least 2 + count / 20: the largest eigenvalue is below 0.1 x 300 / dim x 4 + 200,
/// the condition below 25 for the largest tasks and for small ones; conjugate gradients multiply
/// errors of a step by at most as much again in three steps.
constexpr double kTolerance = 25 * (200 + 3 * 128) * 0x1p-24;

TEST(AlsKernel, EveryInstructionSetSolvesLikeTheReference) {
  for (const Kernels& kernels : usable_kernels()) {
    for (const Case& c : cases()) {
      SCOPED_TRACE(std::string{name_of(kernels.set)} + " " + std::to_string(c.stride) + " " +
                   std::to_string(c.block) + " " + std::to_string(c.cg_steps) + " " +
                   std::to_string(static_cast<int>(c.kind)));
      Problem ours{c.stride, c.block, c.cg_steps, c.kind};
      Problem reference{c.stride, c.block, c.cg_steps, c.kind};
      AlsWorkspace workspace;
      const double loss = als_kernels(kernels.set).solve(ours.problem, ours.tasks, workspace);
      const double expected = als_solve_reference(reference.problem, reference.tasks, workspace);
      EXPECT_NEAR(loss, expected, kTolerance * expected);
      const auto got = ours.rows();
      const auto want = reference.rows();
      double largest = 0;
      for (const float x : want) largest = std::max(largest, double{std::abs(x)});
      for (std::size_t n = 0; n < got.size(); ++n) {
        ASSERT_NEAR(got[n], want[n], kTolerance * largest) << n / c.stride << " " << n % c.stride;
      }
    }
  }
}

TEST(AlsKernel, TheReferenceFindsTheMinimum) {
  for (const Kind kind : {Kind::weighted, Kind::biased}) {
    Problem p{16, 16, 0, kind};
    AlsWorkspace workspace;
    static_cast<void>(als_solve_reference(p.problem, p.tasks, workspace));
    for (const AlsTask& task : p.tasks) {
      std::vector<double> row(task.row, task.row + 16);
      const double least = p.loss(task, row);
      for (std::size_t c = 0; c < (kind == Kind::biased ? 14U : 13U); ++c) {
        // Derivatives in the order of rounding the solution to floats.
        const double h = 1e-3;
        std::vector<double> up = row;
        std::vector<double> down = row;
        up[c] += h;
        down[c] -= h;
        EXPECT_GT(p.loss(task, up), least);
        EXPECT_GT(p.loss(task, down), least);
      }
    }
  }
}

TEST(AlsKernel, BlocksAndGradientsApproachTheMinimum) {
  AlsWorkspace workspace;
  Problem exact{48, 48, 0, Kind::weighted};
  static_cast<void>(als_solve_reference(exact.problem, exact.tasks, workspace));
  for (const unsigned cg_steps : {0U, 3U}) {
    Problem p{48, 16, cg_steps, Kind::weighted};
    double before = std::numeric_limits<double>::infinity();
    for (int sweep = 0; sweep < 40; ++sweep) {
      static_cast<void>(als_solve_reference(p.problem, p.tasks, workspace));
      double loss = 0;
      for (const AlsTask& t : p.tasks) loss += p.loss(t, {t.row, t.row + 48});
      // Never up, but for the rounding of rows to floats.
      EXPECT_LE(loss, before * (1 + 1e-6));
      before = loss;
    }
    const auto got = p.rows();
    const auto want = exact.rows();
    for (std::size_t n = 0; n < got.size(); ++n) EXPECT_NEAR(got[n], want[n], 1e-5);
  }
}

TEST(AlsKernel, ARowDependsOnItsOwnTaskOnly) {
  for (const Kernels& kernels : usable_kernels()) {
    for (const Case& c : cases()) {
      Problem together{c.stride, c.block, c.cg_steps, c.kind};
      Problem alone{c.stride, c.block, c.cg_steps, c.kind};
      AlsWorkspace workspace;
      const auto solve = als_kernels(kernels.set).solve;
      static_cast<void>(solve(together.problem, together.tasks, workspace));
      for (const AlsTask& task : alone.tasks) {
        static_cast<void>(solve(alone.problem, {&task, 1}, workspace));
      }
      EXPECT_EQ(together.rows(), alone.rows());
    }
  }
}

/// Rows of the other table that do not fit the cache (512 KiB) split a call.
TEST(AlsKernel, ManyInteractionsGiveTheSameBits) {
  constexpr std::size_t kStride = 256;
  constexpr std::size_t kCache = std::size_t{512} << 10;
  for (const Kernels& kernels : usable_kernels()) {
    for (const Kind kind : {Kind::weighted, Kind::biased}) {
      for (const Case& c : {Case{kStride, 64, 0, kind}, Case{kStride, kStride, 3, kind}}) {
        Problem together{c.stride, c.block, c.cg_steps, c.kind};
        Problem alone{c.stride, c.block, c.cg_steps, c.kind};
        AlsWorkspace workspace;
        const auto solve = als_kernels(kernels.set).solve;
        const double loss = solve(together.problem, together.tasks, workspace);
        double added = 0;
        std::size_t interactions = 0;
        for (const AlsTask& task : alone.tasks) {
          added += solve(alone.problem, {&task, 1}, workspace);
          interactions += task.others.size();
        }
        ASSERT_GT(interactions * kStride * sizeof(float), kCache);
        EXPECT_EQ(together.rows(), alone.rows()) << name_of(kernels.set);
        // As many additions of positive numbers, in another order.
        EXPECT_NEAR(loss, added, static_cast<double>(interactions) * 0x1p-53 * loss);
      }
    }
  }
}

TEST(AlsKernel, TheConstantColumnStays) {
  for (const Kernels& kernels : usable_kernels()) {
    for (const Case& c : cases()) {
      if (c.kind != Kind::biased) continue;
      Problem p{c.stride, c.block, c.cg_steps, c.kind};
      AlsWorkspace workspace;
      static_cast<void>(als_kernels(kernels.set).solve(p.problem, p.tasks, workspace));
      for (const AlsTask& task : p.tasks) EXPECT_EQ(task.row[p.problem.constant], 1.0F);
    }
  }
}

TEST(AlsKernel, NothingKnownMeansZero) {
  for (const Kernels& kernels : usable_kernels()) {
    for (const unsigned cg_steps : {0U, 2U}) {
      Problem p{16, 16, cg_steps, Kind::plain};
      AlsWorkspace workspace;
      static_cast<void>(als_kernels(kernels.set).solve(p.problem, p.tasks, workspace));
      EXPECT_TRUE(p.tasks[0].others.empty());
      for (std::size_t c = 0; c < 16; ++c) EXPECT_EQ(p.tasks[0].row[c], 0.0F);
    }
  }
}

/// Without L2 the padding has no curvature at all, and a repeated item makes the rest singular.
TEST(AlsKernel, SingularProblemsStayFinite) {
  for (const Kernels& kernels : usable_kernels()) {
    for (const unsigned cg_steps : {0U, 3U}) {
      Problem p{32, 32, cg_steps, Kind::plain};
      const std::vector<float> nothing(32 * 32);
      AlignedBuffer<float> gram{nothing.size()};
      p.problem.gram = gram.data();
      for (AlsTask& task : p.tasks) task.l2 = 0;
      AlsWorkspace workspace;
      static_cast<void>(als_kernels(kernels.set).solve(p.problem, p.tasks, workspace));
      for (const float x : p.rows()) ASSERT_TRUE(std::isfinite(x)) << name_of(kernels.set);
      for (std::size_t n = 29; n < 32; ++n) EXPECT_EQ(p.tasks[9].row[n], 0.0F);
    }
  }
}

TEST(AlsKernel, GramMatrixIsASumOverRows) {
  std::mt19937 random{3};
  AlignedBuffer<float> rows{std::size_t{700} * 48};
  for (float& x : rows.span()) x = std::normal_distribution<float>{}(random);
  for (const Kernels& kernels : usable_kernels()) {
    for (const unsigned width : {16U, 32U}) {
      std::vector<double> got(width * width, 1.0);
      std::vector<double> want(width * width, 1.0);
      als_kernels(kernels.set).add_gram(rows.data(), 700, 48, 0, 16, width, got.data());
      als_gram_reference(rows.data(), 700, 48, 0, 16, width, want.data());
      // 256 products of about 1 to 10 at a time in floats.
      for (std::size_t n = 0; n < got.size(); ++n)
        EXPECT_NEAR(got[n], want[n], 700 * 10 * 256 * 0x1p-24);
    }
  }
}

}  // namespace
}  // namespace factorps::test

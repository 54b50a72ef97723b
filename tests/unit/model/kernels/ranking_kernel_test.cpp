/// Every instruction set against the reference, and the reference against finite differences.
#include "model/kernels/ranking_kernel.hpp"

#include <cmath>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/model/kernels/cell_fixture.hpp"

namespace factorps::test {
namespace {

struct NamedStep {
  const char* name;
  RankingStep step;
};

std::vector<NamedStep> steps() {
  std::vector<NamedStep> all;
  for (const RankingLoss loss :
       {RankingLoss::softmax, RankingLoss::ccl, RankingLoss::bpr, RankingLoss::logistic}) {
    for (const bool cosine : {false, true}) {
      RankingStep step;
      step.loss = loss;
      step.rate = 0.05F;
      step.l2_user = cosine ? 0.0F : 0.1F;
      step.l2_item = cosine ? 0.0F : 0.2F;
      step.cosine = cosine;
      step.adagrad = cosine;
      step.temperature = 0.4F;
      step.exponent = 1.1F;
      step.margin = 0.1F;
      step.weight = 3;
      step.batch = 10;
      step.negatives = 32;
      all.push_back({cosine ? "cosine" : "dot", step});
    }
  }
  return all;
}

/// Five users and 24 items with a cell of 27 interactions: two whole batches and a part of one.
struct Problem {
  explicit Problem(std::size_t stride, unsigned seed = 1)
      : random{seed}, users{5, stride - 3, stride}, items{24, stride - 3, stride} {
    const float scale = 1 / std::sqrt(static_cast<float>(stride));
    users.fill(random, 2 * scale);
    items.fill(random, 2 * scale);
    for (std::uint32_t user = 0; user < 5; ++user) {
      cell.add_run(user, 4 + user % 3 + (user == 4 ? 3 : 0), 24, random);
      for (std::size_t n = 0; n < users.dim(); ++n) users.state(user).accumulator = 0;
    }
    for (std::uint32_t item = 0; item < 24; ++item) {
      items.state(item).accumulator = 0;
      if (item != 3) candidates.push_back(item);
    }
  }
  std::mt19937 random;
  Table users;
  Table items;
  Cell cell;
  std::vector<std::uint32_t> candidates;
};

double train(Problem& problem, const RankingStep& step, TrainRanking kernel) {
  RankingWorkspace workspace;
  return kernel(problem.cell.view(), problem.users.view(), problem.items.view(), problem.candidates,
                step, 99, workspace);
}

/// Slopes are sums of at most 32 + 16 products of numbers below 2 (rows of length one, temperature
/// 0.4): 48 roundings and those of exp and log, 64 in all, of numbers up to 5; an AdaGrad step
/// divides by the size of the gradient, which may be a tenth of the terms that cancelled in it.
/// Each of three batches adds as much to a row, up to five times where it stands there that often.
constexpr double kTolerance = 3 * 5 * 64 * 5 * 10 * 0x1p-24 * 0.05;

TEST(RankingKernel, EveryInstructionSetTrainsLikeTheReference) {
  for (const Kernels& kernels : usable_kernels()) {
    for (const auto& [name, step] : steps()) {
      for (const unsigned stride : {16U, 48U, 64U, 96U}) {
        SCOPED_TRACE(std::string{name_of(kernels.set)} + " loss " +
                     std::to_string(static_cast<int>(step.loss)) + " " + name + " " +
                     std::to_string(stride));
        Problem ours{stride};
        Problem reference{stride};
        const double loss = train(ours, step, ranking_kernel(kernels.set));
        EXPECT_NEAR(loss, train(reference, step, &train_ranking_reference), 1e-4);
        const auto compare = [](const Table& a, const Table& b) {
          for (std::size_t r = 0; r < a.rows(); ++r) {
            for (std::size_t c = 0; c < a.stride(); ++c) {
              ASSERT_NEAR(a.row(r)[c], b.row(r)[c], kTolerance) << "row " << r << " column " << c;
            }
          }
        };
        compare(ours.users, reference.users);
        compare(ours.items, reference.items);
        EXPECT_TRUE(ours.users.padding_is_zero());
        EXPECT_TRUE(ours.items.padding_is_zero());
      }
    }
  }
}

/// Plain steps without a penalty are minus the rate times the derivatives of the loss.
TEST(RankingKernel, TheReferenceGoesDownTheGradient) {
  for (const NamedStep& named : steps()) {
    RankingStep step = named.step;
    if (step.cosine || step.loss == RankingLoss::ccl) continue;  // ccl has kinks
    step.l2_user = step.l2_item = 0;
    step.adagrad = false;
    step.batch = 100;  // all at once
    step.rate = 1;
    const Problem before{16};
    Problem after{16};
    train(after, step, &train_ranking_reference);
    step.rate = 0;
    const auto loss_with = [&](bool user, std::size_t row, std::size_t column, float change) {
      Problem changed{16};
      (user ? changed.users : changed.items).row(row)[column] += change;
      return train(changed, step, &train_ranking_reference);
    };
    for (const bool user : {true, false}) {
      for (const unsigned row : {0U, 3U, 4U}) {
        for (const unsigned column : {0U, 7U, 12U}) {
          const float h = 0x1p-8F;
          const double slope =
              (loss_with(user, row, column, h) - loss_with(user, row, column, -h)) / (2 * h);
          const Table& old_rows = user ? before.users : before.items;
          const Table& new_rows = user ? after.users : after.items;
          const double step_taken =
              double{old_rows.row(row)[column]} - double{new_rows.row(row)[column]};
          // Third derivatives of at most 27 terms in (1 / temperature)^3 x 2^-16 / 6; ccl has
          // kinks.
          if (step.loss == RankingLoss::ccl) continue;
          EXPECT_NEAR(step_taken, slope, 27 * 16 * 0x1p-16 / 6)
              << static_cast<int>(step.loss) << " row " << row << " column " << column;
        }
      }
    }
  }
}

TEST(RankingKernel, CosineKeepsRowsAtLengthOne) {
  for (const Kernels& kernels : usable_kernels()) {
    for (const auto& [name, step] : steps()) {
      if (!step.cosine) continue;
      Problem problem{64};
      train(problem, step, ranking_kernel(kernels.set));
      for (std::size_t r = 0; r < problem.users.rows(); ++r) {
        double squares = 0;
        for (std::size_t c = 0; c < 64; ++c) {
          squares += double{problem.users.row(r)[c]} * double{problem.users.row(r)[c]};
        }
        EXPECT_NEAR(squares, 1, 64 * 0x1p-22);
      }
    }
  }
}

TEST(RankingKernel, LeavesOtherItemsAlone) {
  for (const Kernels& kernels : usable_kernels()) {
    const Problem before{16};
    Problem after{16};
    for (std::uint16_t& item : after.cell.items) item = item == 3 ? 4 : item;
    train(after, steps().front().step, ranking_kernel(kernels.set));
    EXPECT_TRUE(after.items.same_row(before.items, 3));  // neither positive nor a candidate
    EXPECT_FALSE(after.items.same_row(before.items, 4));
  }
}

}  // namespace
}  // namespace factorps::test

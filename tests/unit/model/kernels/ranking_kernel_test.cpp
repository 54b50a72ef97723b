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
  double popularity = 0;
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
      step.exclude_positives = true;
      step.l2_negative = cosine ? 0.0F : 0.05F;
      all.push_back({"popular others", step, 0.7});
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
      counts.push_back(item == 3 ? 0 : 1 + item * item % 7);
    }
  }
  std::mt19937 random;
  Table users;
  Table items;
  Cell cell;
  std::vector<std::uint32_t> counts;  // of the items
};

double train(Problem& problem, const NamedStep& named, TrainRanking kernel) {
  RankingWorkspace workspace;
  const PopularItems popular{problem.counts, named.popularity};
  return kernel(problem.cell.view(), problem.users.view(), problem.items.view(),
                popular.candidates(), named.step, 99, workspace);
}

/// Slopes are sums of at most 32 + 16 products of numbers below 2 (rows of length one, temperature
/// 0.4): 48 roundings and those of exp and log, 64 in all, of numbers up to 5; an AdaGrad step
/// divides by the size of the gradient, which may be a tenth of the terms that cancelled in it.
/// Each of three batches adds as much to a row, up to five times where it stands there that often.
constexpr double kTolerance = 3 * 5 * 64 * 5 * 10 * 0x1p-24 * 0.05;

TEST(RankingKernel, EveryInstructionSetTrainsLikeTheReference) {
  for (const Kernels& kernels : usable_kernels()) {
    for (const NamedStep& named : steps()) {
      const RankingStep& step = named.step;
      for (const unsigned stride : {16U, 48U, 64U, 96U}) {
        SCOPED_TRACE(std::string{name_of(kernels.set)} + " loss " +
                     std::to_string(static_cast<int>(step.loss)) + " " + named.name + " " +
                     std::to_string(stride));
        Problem ours{stride};
        Problem reference{stride};
        const double loss = train(ours, named, ranking_kernel(kernels.set));
        EXPECT_NEAR(loss, train(reference, named, &train_ranking_reference), 1e-4);
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
  for (NamedStep named : steps()) {
    RankingStep& step = named.step;
    if (step.cosine || step.loss == RankingLoss::ccl) continue;  // ccl has kinks
    step.l2_user = step.l2_item = step.l2_negative = 0;
    step.adagrad = false;
    step.batch = 100;  // all at once
    step.rate = 1;
    const Problem before{16};
    Problem after{16};
    train(after, named, &train_ranking_reference);
    step.rate = 0;
    const auto loss_with = [&](bool user, std::size_t row, std::size_t column, float change) {
      Problem changed{16};
      (user ? changed.users : changed.items).row(row)[column] += change;
      return train(changed, named, &train_ranking_reference);
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
    for (const NamedStep& named : steps()) {
      if (!named.step.cosine) continue;
      Problem problem{64};
      train(problem, named, ranking_kernel(kernels.set));
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
    train(after, steps().front(), ranking_kernel(kernels.set));
    EXPECT_TRUE(after.items.same_row(before.items, 3));  // neither positive nor a candidate
    EXPECT_FALSE(after.items.same_row(before.items, 4));
  }
}

double softplus(double x) { return std::log1p(std::exp(x)); }

/// One user with two of six items. What is drawn is forced: one item for all negatives.
struct OnlyItem {
  OnlyItem() : users{1, 13, 16}, items{6, 13, 16} {
    users.fill(random, 1);
    items.fill(random, 0.5F);
    cell.runs.push_back({0, 2});
    cell.items = {1, 4};
  }
  /// What the negatives add to the loss of both interactions, as a mean, when all of them are one
  /// item with the weight that it has among all.
  double terms(const RankingStep& step, const Candidates& all, std::size_t which) {
    RankingWorkspace workspace;
    const std::vector<std::uint32_t> item(all.items.size(), all.items[which]);
    const std::vector<float> weight(item.size(), all.weights.empty() ? 1 : all.weights[which]);
    const double loss = train_ranking_reference(cell.view(), users.view(), items.view(),
                                                {item, {}, weight}, step, 1, workspace);
    if (loss == 0) return 0;  // the user has the item
    double own = 0;
    for (const std::uint16_t positive : cell.items) own += own_loss(step, score(positive));
    if (step.loss != RankingLoss::softmax) return loss - own;
    return 2 * std::exp((loss - own) / 2) / static_cast<double>(step.negatives);
  }
  static double own_loss(const RankingStep& step, double s) {
    switch (step.loss) {
      case RankingLoss::softmax:
        return -s / double{step.temperature};
      case RankingLoss::ccl:
        return 1 - s;
      case RankingLoss::bpr:
        return 0;
      default:
        return softplus(-s);
    }
  }
  double score(std::size_t item) const {
    double sum = 0;
    for (std::size_t c = 0; c < 16; ++c) {
      sum += double{users.row(0)[c]} * double{items.row(item)[c]};
    }
    return sum;
  }

  std::mt19937 random{5};
  Table users;
  Table items;
  Cell cell;
};

/// What an item of score t adds to the loss of an interaction of score s, if it is the mean of it.
double term(const RankingStep& step, double s, double t) {
  switch (step.loss) {
    case RankingLoss::softmax:
      return std::exp(t / double{step.temperature});
    case RankingLoss::ccl:
      return double{step.weight} * std::max(0.0, t - double{step.margin});
    case RankingLoss::bpr:
      return softplus(t - s);
    default:
      return double{step.weight} * softplus(t);
  }
}

/// The expectation over all draws is the mean over all items that count, for every way of drawing.
/// Draws are alike and their terms add up (in softmax: inside the logarithm), so that of one draw
/// is enough; its probabilities are those of draw_negatives(), as the next test finds.
TEST(RankingKernel, LossesOfDrawnItemsHaveNoBias) {
  const std::vector<std::uint32_t> counts{3, 1, 8, 0, 2, 5};
  for (const NamedStep& named : steps()) {
    if (named.step.cosine) continue;
    for (const double exponent : {0.0, 0.5, 1.3}) {
      RankingStep step = named.step;
      step.rate = 0;
      step.exponent = 1;
      OnlyItem problem;
      const PopularItems popular{counts, exponent};
      const Candidates all = popular.candidates();
      const auto size = static_cast<double>(all.items.size());
      double found = 0;
      double expected = 0;
      for (const std::size_t positive : {1U, 4U}) {
        const double s = problem.score(positive);
        double mean = 0;
        double others = 0;
        for (const std::uint32_t item : all.items) {
          if (step.exclude_positives && (item == 1 || item == 4)) continue;
          mean += term(step, s, problem.score(item));
          ++others;
        }
        expected += mean / others;
      }
      for (std::size_t which = 0; which < all.items.size(); ++which) {
        const double probability =
            all.weights.empty() ? 1 / size : 1 / (size * double{all.weights[which]});
        found += probability * problem.terms(step, all, which);
      }
      // Weights and rows are floats.
      EXPECT_NEAR(found, expected, 1e-5 * expected)
          << static_cast<int>(step.loss) << " exponent " << exponent;
    }
  }
}

TEST(RankingKernel, DrawsItemsByTheirPopularity) {
  const std::vector<std::uint32_t> counts{3, 1, 8, 0, 2, 5};
  const double exponent = 0.75;
  const PopularItems popular{counts, exponent};
  RankingWorkspace workspace;
  std::vector<double> drawn(counts.size());
  constexpr std::size_t kDraws = 160'000;
  for (std::size_t batch = 0; batch < kDraws / 160; ++batch) {
    draw_negatives(popular.candidates(), 160, 7, batch, workspace);
    for (const std::uint32_t item : workspace.negatives) ++drawn[item];
  }
  double sum = 0;
  for (const std::uint32_t count : counts) sum += std::pow(count, exponent);
  for (std::size_t item = 0; item < counts.size(); ++item) {
    const double p = std::pow(counts[item], exponent) / sum;
    // Five standard deviations of a binomial share.
    EXPECT_NEAR(drawn[item] / kDraws, p, 5 * std::sqrt(p * (1 - p) / kDraws)) << item;
  }
}

/// Who has everything that is drawn learns nothing, and teaches nothing.
TEST(RankingKernel, NothingIsLeftForWhoKnowsAllItems) {
  for (const Kernels& kernels : usable_kernels()) {
    for (const NamedStep& named : steps()) {
      if (!named.step.exclude_positives || named.step.cosine) continue;
      RankingStep step = named.step;
      step.l2_user = step.l2_item = step.l2_negative = 0;
      const Problem before{16};
      Problem after{16};
      after.cell.runs = {{2, 24}};
      after.cell.items.clear();
      for (std::uint16_t item = 0; item < 24; ++item) after.cell.items.push_back(item);
      EXPECT_EQ(train(after, {"", step, 0.5}, ranking_kernel(kernels.set)), 0);
      for (std::size_t r = 0; r < 24; ++r) EXPECT_TRUE(after.items.same_row(before.items, r));
      EXPECT_TRUE(after.users.same_row(before.users, 2));
    }
  }
}

}  // namespace
}  // namespace factorps::test

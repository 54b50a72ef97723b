#include "model/fold_in.hpp"

#include <cmath>
#include <functional>

#include <gtest/gtest.h>

#include "common/random.hpp"
#include "model/kernels/als_kernel.hpp"
#include "model/weighted_gram.hpp"

namespace factorps {
namespace {

constexpr std::size_t kDim = 6;
constexpr std::uint32_t kItems = 40;

/// Items of length one, the last of which nobody has.
struct Catalogue {
  std::vector<float> factors = std::vector<float>(kItems * kDim);
  std::vector<float> bias = std::vector<float>(kItems);
  std::vector<std::uint32_t> counts = std::vector<std::uint32_t>(kItems, 3);

  Catalogue() {
    const RandomStream random{7, Purpose::generate};
    for (std::size_t n = 0; n < factors.size(); ++n) {
      factors[n] = static_cast<float>(random.uniform(n)) - 0.5F;
    }
    for (std::uint32_t i = 0; i < kItems; ++i) {
      bias[i] = 0.1F * static_cast<float>(i % 5);
      double squares = 0;
      for (std::size_t c = 0; c < kDim; ++c) squares += std::pow(factors[i * kDim + c], 2);
      for (std::size_t c = 0; c < kDim; ++c) {
        factors[i * kDim + c] /= static_cast<float>(std::sqrt(squares));
      }
    }
    counts.back() = 0;
  }
  [[nodiscard]] FixedItems items(double mu = 3.5) const {
    return {kDim, factors, bias, counts, mu};
  }
  [[nodiscard]] double score(const std::vector<double>& x, std::uint32_t item) const {
    double sum = 0;
    for (std::size_t c = 0; c < kDim; ++c) sum += x[c] * double{factors[item * kDim + c]};
    return sum;
  }
};

const std::vector<std::uint32_t> kHas{2, 5, 11, 12, 30};
const std::vector<float> kValues{4, 1, 5, 3.5F, 2};
const History kHistory{kHas, kValues};

using Objective = std::function<double(const std::vector<double>&)>;

/// Rounding the row to floats moves the objective by less than kStep^2 times its curvature.
constexpr double kStep = 1e-2;

void normalise(std::vector<double>& x) {
  double squares = 0;
  for (const double value : x) squares += value * value;
  for (double& value : x) value /= std::sqrt(squares);
}

/// That no step along an axis, on the sphere or not, makes it better.
void expect_minimum(const std::vector<double>& x, bool sphere, const Objective& objective) {
  const double least = objective(x);
  for (std::size_t c = 0; c < x.size(); ++c) {
    for (const double step : {-kStep, kStep}) {
      std::vector<double> other = x;
      other[c] += step;
      if (sphere) normalise(other);
      EXPECT_GT(objective(other), least) << "column " << c << " by " << step;
    }
  }
}

std::vector<double> doubles(const std::vector<float>& row) { return {row.begin(), row.end()}; }

TEST(WeightedGram, SumsOuterProducts) {
  const Catalogue catalogue;
  const std::size_t rows = 600;  // more than are multiplied at once
  std::vector<float> many;
  std::vector<float> weights;
  for (std::size_t n = 0; n < rows; ++n) {
    const auto row = catalogue.items().row(static_cast<std::uint32_t>(n % kItems));
    many.insert(many.end(), row.begin(), row.end());
    weights.push_back(static_cast<float>(n % 4));
  }
  const auto sums = weighted_gram(many, kDim, weights);
  for (std::size_t i = 0; i < kDim; ++i) {
    for (std::size_t j = 0; j < kDim; ++j) {
      double expected = 0;
      for (std::size_t n = 0; n < rows; ++n) {
        expected += double{weights[n]} * double{many[n * kDim + i]} * double{many[n * kDim + j]};
      }
      // Each of at most 600 products below 3 carries three roundings to float.
      EXPECT_NEAR(sums[i * kDim + j], expected, 600 * 3 * 3 * 6e-8);
    }
  }
}

AllPairsFoldIn::Settings all_pairs() {
  AllPairsFoldIn::Settings settings;
  settings.l2 = 0.05;
  settings.l2_exponent = 0.5;
  settings.unobserved = 0.2;
  settings.confidence = {Confidence::Kind::linear, 2, 1};
  return settings;
}

TEST(FoldIn, OfAllPairsIsWhatTrainingSolves) {
  const Catalogue catalogue;
  const AllPairsFoldIn fold{catalogue.items(), all_pairs()};
  // The training's own solver, from padded rows.
  constexpr std::size_t kStride = kRowMultiple;
  AlignedBuffer<float> fixed{kItems * kStride};
  AlignedBuffer<float> gram{kStride * kStride};
  for (std::uint32_t i = 0; i < kItems; ++i) {
    std::ranges::copy(catalogue.items().row(i), fixed.data() + i * kStride);
  }
  std::vector<double> sums(kStride * kStride);
  als_gram_reference(fixed.data(), kItems, kStride, 0, 0, kStride, sums.data());
  for (std::size_t n = 0; n < sums.size(); ++n) gram.data()[n] = static_cast<float>(0.2 * sums[n]);
  AlignedBuffer<float> row{kStride};
  std::vector<float> weights;
  for (const float value : kValues) weights.push_back(all_pairs().confidence.weight(value));
  AlsWorkspace workspace;
  const double pairs = 5 + 0.2 * (kItems - 1);
  const AlsTask task{kHas, weights.data(), static_cast<float>(0.05 * std::sqrt(pairs)), row.data()};
  als_solve_reference({fixed.data(), gram.data(), kStride, kStride, 0}, {{task}}, workspace);
  const auto folded = fold.row(kHistory).factors;
  // G and the rows of the reference are floats, the equations' condition is below 100.
  for (std::size_t c = 0; c < kDim; ++c) EXPECT_NEAR(folded[c], row.data()[c], 100 * 6e-8);
}

TEST(FoldIn, OfAllPairsSaysWhatEachInteractionAdds) {
  const Catalogue catalogue;
  const AllPairsFoldIn fold{catalogue.items(), all_pairs()};
  const auto x = doubles(fold.row(kHistory).factors);
  for (const std::uint32_t item : {0U, 5U, 30U}) {
    double sum = 0;
    for (const double part : fold.contributions(kHistory, item)) sum += part;
    EXPECT_NEAR(sum, catalogue.score(x, item), kDim * 6e-8);
  }
}

Objective rating_objective(const Catalogue& catalogue, double l2, double l2_bias, double limit) {
  return [&catalogue, l2, l2_bias, limit](const std::vector<double>& x) {
    double sum = 0;
    for (std::size_t n = 0; n < kHas.size(); ++n) {
      const double e = std::abs(double{kValues[n]} - 3.5 - double{catalogue.bias[kHas[n]]} -
                                x[kDim] - catalogue.score(x, kHas[n]));
      sum += limit > 0 && e > limit ? 2 * limit * e - limit * limit : e * e;
      sum += l2_bias * x[kDim] * x[kDim];
      for (std::size_t c = 0; c < kDim; ++c) sum += l2 * x[c] * x[c];
    }
    return sum;
  };
}

TEST(FoldIn, OfRatingsIsTheLeastSquaresSolution) {
  const Catalogue catalogue;
  for (const double limit : {0.0, 0.5}) {
    const RatingFoldIn fold{catalogue.items(), {0.1, 0.5, 1, true, limit}};
    const FoldedRow row = fold.row(kHistory);
    std::vector<double> x = doubles(row.factors);
    x.push_back(double{row.bias});
    EXPECT_NE(row.bias, 0);
    expect_minimum(x, false, rating_objective(catalogue, 0.1, 0.5, limit));
  }
  EXPECT_EQ(RatingFoldIn(catalogue.items(), {0.1, 0.02, 1, false, 0}).row(kHistory).bias, 0);
}

double softplus(double x) { return std::log1p(std::exp(x)); }

constexpr double kMu = 0.125;  // of losses that rank

/// softmax and ccl are for rows without biases and mean alone (io/config_rules.cpp).
bool has_biases(RankingLoss loss) {
  return loss == RankingLoss::bpr || loss == RankingLoss::logistic;
}

/// Each interaction against all items that somebody has, written down once more.
Objective ranking_objective(const Catalogue& catalogue, const RankingStep& step) {
  return [&catalogue, step](const std::vector<double>& x) {
    double total = 0;
    for (const std::uint32_t positive : kHas) {
      const auto score = [&](std::uint32_t item) {
        const double base = has_biases(step.loss) ? kMu + double{catalogue.bias[item]} : 0;
        return base + catalogue.score(x, item);
      };
      const double s = score(positive);
      double sum = 0;
      for (std::uint32_t i = 0; i + 1 < kItems; ++i) {
        const double t = score(i);
        if (step.loss == RankingLoss::softmax) sum += std::exp(t / step.temperature);
        if (step.loss == RankingLoss::ccl) sum += std::max(0.0, t - step.margin) / (kItems - 1);
        if (step.loss == RankingLoss::bpr) sum += softplus(t - s) / (kItems - 1);
        if (step.loss == RankingLoss::logistic) sum += softplus(t) / (kItems - 1);
      }
      if (step.loss == RankingLoss::softmax)
        total += -s / step.temperature + step.exponent * std::log(sum);
      if (step.loss == RankingLoss::ccl) total += 1 - s + step.weight * sum;
      if (step.loss == RankingLoss::bpr) total += sum;
      if (step.loss == RankingLoss::logistic) total += softplus(-s) + step.weight * sum;
      if (step.cosine) continue;
      for (const double value : x) total += step.l2_user / 2 * value * value;
    }
    return total;
  };
}

TEST(FoldIn, OfLossesThatRankIsTheirMinimum) {
  const Catalogue catalogue;
  RankingStep step;
  step.temperature = 0.3F;
  step.exponent = 1.2F;
  step.margin = 0.25F;
  step.weight = 3;
  step.l2_user = 0.05F;
  for (const RankingLoss loss :
       {RankingLoss::softmax, RankingLoss::ccl, RankingLoss::bpr, RankingLoss::logistic}) {
    for (const bool cosine : {true, false}) {
      step.loss = loss;
      step.cosine = cosine;
      const std::vector<float> zeros(kItems);
      FixedItems items = catalogue.items(has_biases(loss) ? kMu : 0);
      if (!has_biases(loss)) items.bias = zeros;
      const RankingFoldIn fold{items, step};
      SCOPED_TRACE(testing::Message() << static_cast<int>(loss) << (cosine ? " cosine" : " dot"));
      expect_minimum(doubles(fold.row(kHistory).factors), cosine,
                     ranking_objective(catalogue, step));
    }
  }
}

TEST(FoldIn, OfNothingIsNothing) {
  const Catalogue catalogue;
  EXPECT_TRUE(AllPairsFoldIn(catalogue.items(), all_pairs()).contributions({}, 0).empty());
  const std::vector<float> zeros(kDim);
  EXPECT_EQ(AllPairsFoldIn(catalogue.items(), all_pairs()).row({}).factors, zeros);
  EXPECT_EQ(RatingFoldIn(catalogue.items(), {0.1, 0.1, 1, true, 0}).row({}).factors, zeros);
  EXPECT_EQ(RankingFoldIn(catalogue.items(), RankingStep{}).row({}).factors, zeros);
}

}  // namespace
}  // namespace factorps

#include "model/fold_in_head.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "common/random.hpp"

namespace factorps {
namespace {

constexpr std::size_t kItems = 60;
constexpr std::size_t kGmf = 3;

/// A neumf with rows of 3 + 4 columns, items of random rows, and a user to find.
class HeadFoldIns : public testing::Test {
 protected:
  HeadFoldIns() {
    options_.kind = HeadKind::neumf;
    options_.dim = kGmf;
    options_.tower = {8, 5};
    const auto head = make_head(options_);
    width_ = head->shape().user_width;
    dense_.resize(head->shape().dense_size);
    head->initialise_dense(dense_, 3);
    items_.resize(kItems * width_);
    for (std::size_t n = 0; n < items_.size(); ++n) items_[n] = draw(1, n);
    for (std::size_t k = 0; k < width_; ++k) user_.push_back(draw(2, k));
    history_.resize(30);
    for (std::uint32_t n = 0; n < history_.size(); ++n) history_[n] = 2 * n;
    values_.resize(history_.size());
  }
  static float draw(std::uint64_t what, std::size_t n) {
    const RandomStream random{7, Purpose::generate};
    return static_cast<float>(2 * random.uniform(what, static_cast<std::uint32_t>(n)) - 1);
  }
  [[nodiscard]] FixedItems fixed() const { return {width_, items_, bias_, counts_, 0}; }
  [[nodiscard]] HeadFoldIn fold(HeadLoss loss, const HeadFoldIn::Settings& settings,
                                const std::vector<float>& start) {
    options_.loss = loss;
    return HeadFoldIn{make_head(options_), dense_, fixed(), start, settings};
  }
  [[nodiscard]] std::vector<float> scores(const std::vector<float>& row) const {
    std::vector<float> scores(kItems);
    HeadWorkspace workspace;
    make_head(options_)->score(row, items_, dense_, scores, workspace);
    return scores;
  }
  [[nodiscard]] History history() const { return {history_, values_}; }

  HeadOptions options_;
  std::size_t width_ = 0;
  std::vector<float> dense_;
  std::vector<float> items_;
  std::vector<float> bias_ = std::vector<float>(kItems);
  std::vector<std::uint32_t> counts_ = std::vector<std::uint32_t>(kItems, 1);
  std::vector<float> user_;
  std::vector<std::uint32_t> history_;
  std::vector<float> values_;
};

TEST_F(HeadFoldIns, SlopesAreThoseOfTheLoss) {
  for (const HeadLoss loss : {HeadLoss::squared, HeadLoss::logistic, HeadLoss::bpr}) {
    const HeadFoldIn fold = this->fold(loss, {2, 0.1}, user_);
    std::vector<double> slope(width_);
    std::vector<double> other(width_);
    static_cast<void>(fold.loss(history(), user_, slope));
    for (std::size_t k = 0; k < width_; ++k) {
      constexpr float kStep = 0x1p-8F;
      std::vector<float> up = user_;
      std::vector<float> down = user_;
      up[k] += kStep;
      down[k] -= kStep;
      const double difference = fold.loss(history(), up, other) - fold.loss(history(), down, other);
      // Slopes are about 3. A kink of a ReLU between both points makes at most half the jump of
      // the slope there, of one item among sixty: below 0.1.
      EXPECT_NEAR(slope[k], difference / (2 * double{kStep}), 0.1) << static_cast<int>(loss) << k;
    }
  }
}

/// Values that a row explains exactly: whatever row is found, its scores are these values.
TEST_F(HeadFoldIns, FindTheScoresThatTheHistoryCameFrom) {
  const std::vector<float> all = scores(user_);
  for (std::size_t n = 0; n < history_.size(); ++n) values_[n] = all[history_[n]];
  std::vector<float> start = user_;
  for (float& x : start) x *= 0.5F;
  const FoldedRow row = fold(HeadLoss::squared, {}, start).row(history());
  const std::vector<float> found = scores(row.factors);
  const std::vector<float> before = scores(start);
  double moved = 0;
  for (std::size_t item = 0; item < kItems; ++item) {
    // The search ends when the sum of squares falls by less than a millionth of itself; errors of
    // single precision stop it at about 1e-6 per score long before that.
    EXPECT_NEAR(found[item], all[item], 1e-3) << item;
    moved = std::max(moved, std::abs(double{before[item]} - double{all[item]}));
  }
  EXPECT_GT(moved, 0.1) << "the start was elsewhere";
  EXPECT_EQ(row.bias, 0);
}

TEST_F(HeadFoldIns, NoRowAroundIsBetter) {
  for (const HeadLoss loss : {HeadLoss::logistic, HeadLoss::bpr}) {
    const HeadFoldIn fold = this->fold(loss, {2, 0.05}, std::vector<float>(width_, 0.1F));
    const FoldedRow row = fold.row(history());
    std::vector<double> slope(width_);
    const double least = fold.loss(history(), row.factors, slope);
    EXPECT_LT(least, fold.loss(history(), std::vector<float>(width_, 0.1F), slope));
    for (std::uint64_t n = 0; n < 40; ++n) {
      std::vector<float> near = row.factors;
      for (std::size_t k = 0; k < width_; ++k) near[k] += 0.02F * draw(10 + n, k);
      // A relative 1e-6 ends the search; a hundred times that allows for its last steps.
      EXPECT_GT(fold.loss(history(), near, slope), least * (1 - 1e-4)) << n;
    }
    EXPECT_EQ(row.factors, fold.row(history()).factors) << "the same bits again";
  }
}

TEST_F(HeadFoldIns, KnowNothingOfWhoHasNothing) {
  const FoldedRow row = fold(HeadLoss::logistic, {2, 0}, user_).row({});
  EXPECT_EQ(row.factors, std::vector<float>(width_));
}

}  // namespace
}  // namespace factorps

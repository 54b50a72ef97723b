#include "model/heads/head.hpp"

#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "common/error.hpp"
#include "tests/unit/model/heads/head_fixture.hpp"

namespace factorps {
namespace {

std::vector<HeadOptions> every_head() {
  std::vector<HeadOptions> all;
  for (const HeadLoss loss : {HeadLoss::squared, HeadLoss::logistic, HeadLoss::bpr}) {
    all.push_back({.kind = HeadKind::mf, .loss = loss, .dim = 19, .mu = 0.3F});
    all.push_back({.kind = HeadKind::mf, .loss = loss, .dim = 4, .biases = false});
    all.push_back({.kind = HeadKind::mf_linear, .loss = loss, .dim = 9});
    all.push_back({.kind = HeadKind::gmf, .loss = loss, .dim = 20});
    for (const HeadKind kind : {HeadKind::mlp, HeadKind::neumf}) {
      for (const float dropout : {0.0F, 0.25F}) {
        all.push_back(
            {.kind = kind, .loss = loss, .dim = 5, .tower = {12, 21, 9, 3}, .dropout = dropout});
      }
    }
    all.push_back({.kind = HeadKind::neumf, .loss = loss, .dim = 3, .tower = {6}});  // no layer
  }
  return all;
}

std::string name_of(const HeadOptions& options) {
  return "kind " + std::to_string(static_cast<int>(options.kind)) + " loss " +
         std::to_string(static_cast<int>(options.loss)) + " dropout " +
         std::to_string(options.dropout);
}

struct Gradients {
  explicit Gradients(const HeadFixture& fixture)
      : users(fixture.users.size(), 7.0F),  // overwritten
        items(fixture.items.size(), 7.0F),
        dense(fixture.dense.size(), 7.0F) {}
  double compute(const HeadFixture& fixture, HeadWorkspace& workspace) {
    return fixture.head->gradient(fixture.batch(), fixture.dense, {users, items, dense}, workspace);
  }
  std::vector<float> users;
  std::vector<float> items;
  std::vector<float> dense;
};

/// Every number of a gradient against central differences of the loss in double.
void expect_differences(const HeadFixture& fixture, Doubles Parameters::*which,
                        const std::vector<float>& gradient, const char* name) {
  Parameters at = fixture.parameters();
  for (std::size_t n = 0; n < gradient.size(); ++n) {
    double& x = (at.*which)[n];
    const double before = x;
    constexpr double kStep = 1e-6;
    x = before + kStep;
    const double above = PlainHead{fixture, at}.loss();
    x = before - kStep;
    const double below = PlainHead{fixture, at}.loss();
    x = before;
    // Differences: losses are below 4000 and have some 100 roundings, 100 * 4000 * 2^-53 / 1e-6 <
    // 5e-5; third derivatives, below 1e4, leave 1e-8. Floats: terms of 38 examples, each below 50
    // and the end of a chain of four sums of up to 21 terms: 38 * 50 * 4 * 21 * 2^-24 = 9e-3 if all
    // roundings had the same sign; they do not, and a tenth of it is left.
    EXPECT_NEAR(double{gradient[n]}, (above - below) / (2 * kStep), 1e-3) << name << " " << n;
  }
}

TEST(Head, HasTheGradientsOfItsLoss) {
  for (const HeadOptions& options : every_head()) {
    SCOPED_TRACE(name_of(options));
    const HeadFixture fixture{options};
    Gradients gradients{fixture};
    HeadWorkspace workspace;
    const double loss = gradients.compute(fixture, workspace);
    const Parameters at = fixture.parameters();
    const double want = PlainHead{fixture, at}.loss();
    EXPECT_NEAR(loss, want, 1e-4 * want);
    expect_differences(fixture, &Parameters::users, gradients.users, "users");
    expect_differences(fixture, &Parameters::items, gradients.items, "items");
    expect_differences(fixture, &Parameters::dense, gradients.dense, "dense");
  }
}

TEST(Head, HasTheSameBitsWhateverTheWorkspaceHeld) {
  HeadWorkspace used;
  for (const HeadOptions& options : every_head()) {
    const HeadFixture fixture{options};
    Gradients first{fixture};
    Gradients second{fixture};
    HeadWorkspace fresh;
    EXPECT_EQ(first.compute(fixture, fresh), second.compute(fixture, used));
    EXPECT_EQ(first.users, second.users);
    EXPECT_EQ(first.items, second.items);
    EXPECT_EQ(first.dense, second.dense);
  }
}

TEST(Head, ScoresInEveryInstructionSetLikeThePlainLoops) {
  for (const Kernels& kernels : usable_kernels()) {
    for (const HeadOptions& options : every_head()) {
      const HeadFixture fixture{options, kernels.set};
      const Parameters at = fixture.parameters();
      const PlainHead plain{fixture, at};
      HeadWorkspace workspace;
      for (std::size_t n = 0; n < HeadFixture::kExamples; ++n) {
        const std::size_t width = fixture.head->shape().item_width;
        std::vector<float> scores(1);
        fixture.head->score(std::span{fixture.users}.subspan(fixture.of_user[n] * width, width),
                            std::span{fixture.items}.subspan(fixture.of_item[n] * width, width),
                            fixture.dense, scores, workspace);
        // As above: layers of depth 21 with terms below 50.
        EXPECT_NEAR(double{scores[0]}, plain.score(n, false), 4 * 21 * 50 * 0x1p-24)
            << name_of(options) << " " << factorps::name_of(kernels.set);
      }
    }
  }
}

TEST(Head, ScoresAPairTheSameWhereverItStands) {
  for (const HeadOptions& options : every_head()) {
    const HeadFixture fixture{options};
    const Head& head = *fixture.head;
    const std::size_t width = head.shape().item_width;
    const std::vector<float> items = random_floats(300 * width, 8, 0.9);  // more than one batch
    const std::span<const float> user = std::span{fixture.users}.first(width);
    HeadWorkspace workspace;
    std::vector<float> all(300);
    head.score(user, items, fixture.dense, all, workspace);
    for (const std::size_t n : {0U, 1U, 15U, 17U, 255U, 256U, 299U}) {
      std::vector<float> one(1);
      head.score(user, std::span{items}.subspan(n * width, width), fixture.dense, one, workspace);
      EXPECT_EQ(one[0], all[n]) << name_of(options) << " item " << n;
    }
  }
}

TEST(Head, ScoresAsItTrainsWithoutDropout) {
  for (const HeadOptions& options : every_head()) {
    if (options.dropout > 0) continue;
    const HeadFixture fixture{options};
    HeadWorkspace workspace;
    Gradients{fixture}.compute(fixture, workspace);
    const std::vector<float> trained = workspace.scores;
    const std::size_t width = fixture.head->shape().item_width;
    for (std::size_t n = 0; n < HeadFixture::kExamples; ++n) {
      std::vector<float> one(1);
      fixture.head->score(std::span{fixture.users}.subspan(fixture.of_user[n] * width, width),
                          std::span{fixture.items}.subspan(fixture.of_item[n] * width, width),
                          fixture.dense, one, workspace);
      EXPECT_EQ(one[0], trained[n]) << name_of(options) << " example " << n;
    }
  }
}

TEST(Head, HasPlainRowsWithTheSameScores) {
  for (const HeadOptions& options : every_head()) {
    const HeadFixture fixture{options};
    const Head& head = *fixture.head;
    const std::size_t width = head.shape().item_width;
    const auto user = std::span<const float>{fixture.users}.first(width);
    if (!head.has_plain_form()) {
      EXPECT_THROW(static_cast<void>(head.plain_user(user, fixture.dense)), ConfigError);
      EXPECT_THROW(static_cast<void>(head.plain_offset(fixture.dense)), ConfigError);
      continue;
    }
    std::vector<float> scores(HeadFixture::kItems);
    HeadWorkspace workspace;
    head.score(user, fixture.items, fixture.dense, scores, workspace);
    const PlainRow left = head.plain_user(user, fixture.dense);
    for (std::size_t n = 0; n < scores.size(); ++n) {
      const PlainRow right = head.plain_item(
          std::span<const float>{fixture.items}.subspan(n * width, width), fixture.dense);
      ASSERT_EQ(left.factors.size(), options.dim);
      ASSERT_EQ(right.factors.size(), options.dim);
      double want =
          double{left.bias} + double{right.bias} + double{head.plain_offset(fixture.dense)};
      for (std::size_t k = 0; k < options.dim; ++k) {
        want += double{left.factors[k]} * double{right.factors[k]};
      }
      // Factors are what the score multiplies; at most 20 terms below 1 and three biases.
      EXPECT_NEAR(double{scores[n]}, want, 23 * 20 * 0x1p-24) << name_of(options);
    }
  }
}

TEST(Head, StartsFromItsKeysAlone) {
  for (const HeadOptions& options : every_head()) {
    const auto head = make_head(options);
    const auto again = make_head(options);
    std::vector<float> a(head->shape().user_width);
    std::vector<float> b(head->shape().user_width);
    head->initialise_user(a, 3, 1);
    again->initialise_user(b, 3, 1);
    EXPECT_EQ(a, b);
    again->initialise_user(b, 4, 1);
    EXPECT_NE(a, b);
    again->initialise_item(b, 3, 1);
    EXPECT_NE(a, b);
    if (options.kind == HeadKind::mf && options.biases) {
      EXPECT_EQ(a.back(), 0);
    }
  }
}

TEST(Head, StartsLayersAsGlorotAndBengio) {
  const auto head = make_head({.kind = HeadKind::neumf, .dim = 8, .tower = {64, 32, 16, 8}});
  std::vector<float> dense(head->shape().dense_size, 9.0F);
  head->initialise_dense(dense, 1);
  for (const DenseTensor& tensor : head->shape().dense) {
    const auto values = std::span{dense}.subspan(tensor.offset, tensor.size());
    const double limit =
        tensor.rows == 1 ? 0 : std::sqrt(6.0 / static_cast<double>(tensor.rows + tensor.columns));
    double squares = 0;
    for (const float x : values) {
      EXPECT_LE(std::abs(double{x}), limit * 1.000001) << tensor.name;
      squares += double{x} * double{x};
    }
    if (tensor.size() < 100) continue;
    // A uniform square has mean limit^2 / 3 and standard deviation limit^2 sqrt(4 / 45).
    const double n = static_cast<double>(tensor.size());
    EXPECT_NEAR(squares / n, tensor.rows == 1 ? 0 : limit * limit / 3,
                5 * limit * limit * std::sqrt(4 / (45 * n)))
        << tensor.name;
  }
  const auto linear = make_head({.kind = HeadKind::mf_linear});
  std::vector<float> two(2);
  linear->initialise_dense(two, 1);
  EXPECT_EQ(two, (std::vector<float>{1, 0}));
}

TEST(Head, RefusesSizesThatMakeNoModel) {
  const auto make = [](const HeadOptions& options) { static_cast<void>(make_head(options)); };
  EXPECT_THROW(make({.kind = HeadKind::gmf, .dim = 0}), ConfigError);
  EXPECT_THROW(make({.kind = HeadKind::mlp, .tower = {}}), ConfigError);
  EXPECT_THROW(make({.kind = HeadKind::mlp, .tower = {7, 3}}), ConfigError);
  EXPECT_THROW(make({.kind = HeadKind::mlp, .tower = {8, 0}}), ConfigError);
  EXPECT_THROW(make({.kind = HeadKind::neumf, .dropout = 1}), ConfigError);
  EXPECT_NO_THROW(make({.kind = HeadKind::gmf, .tower = {}}));
}

}  // namespace
}  // namespace factorps

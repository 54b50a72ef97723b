#include "model/optimizer.hpp"

#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "common/error.hpp"
#include "common/random.hpp"

namespace factorps {
namespace {

constexpr OptimizerKind kAll[] = {OptimizerKind::sgd,     OptimizerKind::momentum,
                                  OptimizerKind::adagrad, OptimizerKind::adagrad_row,
                                  OptimizerKind::adam,    OptimizerKind::ftrl};

std::vector<float> numbers(std::size_t size, std::uint64_t seed) {
  const RandomStream stream{seed, Purpose::generate};
  std::vector<float> result(size);
  for (std::size_t n = 0; n < size; ++n) result[n] = static_cast<float>(stream.uniform(n) * 2 - 1);
  return result;
}

std::vector<float> record_of(const RowOptimizer& optimizer, std::uint64_t seed) {
  std::vector<float> record = numbers(optimizer.record_width(), seed);
  optimizer.start(record.data());
  return record;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

/// One step by the published formulas, in double. @param state as in the record @param t steps
void step_in_double(const OptimizerOptions& o, std::vector<double>& x, std::vector<double>& state,
                    const std::vector<float>& given, double t, double rate_factor) {
  const std::size_t width = x.size();
  const double rate = double{o.learning_rate} * rate_factor;
  double norm = 0;
  for (const float g : given) norm += double{g} * double{g};
  norm = std::sqrt(norm);
  const double clip =
      o.clip_norm > 0 && norm > double{o.clip_norm} ? double{o.clip_norm} / norm : 1;
  std::vector<double> g(width);
  double mean = 0;
  for (std::size_t c = 0; c < width; ++c) {
    g[c] = clip * double{given[c]} + double{o.l2} * x[c];
    mean += g[c] * g[c] / static_cast<double>(width);
  }
  if (o.kind == OptimizerKind::adagrad_row) state[0] += mean;
  for (std::size_t c = 0; c < width; ++c) {
    switch (o.kind) {
      case OptimizerKind::sgd:
        x[c] -= rate * g[c];
        break;
      case OptimizerKind::momentum:
        state[c] = double{o.momentum} * state[c] + g[c];
        x[c] -= rate * state[c];
        break;
      case OptimizerKind::adagrad:
        state[c] += g[c] * g[c];
        x[c] -= rate * g[c] / (std::sqrt(state[c]) + double{o.epsilon});
        break;
      case OptimizerKind::adagrad_row:
        x[c] -= rate * g[c] / (std::sqrt(state[0]) + double{o.epsilon});
        break;
      case OptimizerKind::adam: {
        double& m = state[c];
        double& v = state[width + c];
        m = double{o.beta1} * m + (1 - double{o.beta1}) * g[c];
        v = double{o.beta2} * v + (1 - double{o.beta2}) * g[c] * g[c];
        x[c] -= rate * (m / (1 - std::pow(double{o.beta1}, t))) /
                (std::sqrt(v / (1 - std::pow(double{o.beta2}, t))) + double{o.epsilon});
        break;
      }
      case OptimizerKind::ftrl: {
        double& z = state[c];
        double& n = state[width + c];
        const double alpha = double{o.learning_rate};
        z += g[c] - (std::sqrt(n + g[c] * g[c]) - std::sqrt(n)) / alpha * x[c];
        n += g[c] * g[c];
        x[c] = std::abs(z) <= double{o.ftrl_l1}
                   ? 0
                   : -(z - std::copysign(double{o.ftrl_l1}, z)) /
                         ((double{o.ftrl_beta} + std::sqrt(n)) / alpha + double{o.ftrl_l2});
        break;
      }
    }
  }
}

OptimizerOptions options_of(OptimizerKind kind) {
  OptimizerOptions options{.kind = kind, .learning_rate = 0.05F};
  options.l2 = 0.01F;
  options.clip_norm = 1.5F;
  options.ftrl_l1 = 0.02F;
  options.ftrl_l2 = 0.1F;
  return options;
}

TEST(RowOptimizer, FollowsThePublishedFormulas) {
  constexpr int kSteps = 40;
  constexpr std::size_t kWidth = 21;
  for (const OptimizerKind kind : kAll) {
    const RowOptimizer optimizer{options_of(kind), kWidth};
    std::vector<float> record = record_of(optimizer, 1);
    std::vector<double> x{record.begin(), record.begin() + kWidth};
    std::vector<double> state{record.begin() + kWidth, record.end()};
    for (int t = 1; t <= kSteps; ++t) {
      const std::vector<float> gradient = numbers(kWidth, 100U + static_cast<std::uint64_t>(t));
      const float factor = t > kSteps / 2 ? 0.5F : 1.0F;
      optimizer.step(record.data(), gradient.data(), factor);
      step_in_double(optimizer.options(), x, state, gradient, t, double{factor});
    }
    // Numbers of a step and of its state have at most 24 roundings of 2^-24 each; the largest
    // number that they meet is FTRL's z, below |x| (beta / rate + l2) + kSteps (|g| + |s x|) < 100,
    // divided by a curvature of at least 20. All others are below 10. Errors add up over the steps:
    // none of the optimizers spreads them, for its x moves against the gradient of l2.
    const double bound = kSteps * 24 * 0x1p-24 * 10;
    for (std::size_t c = 0; c < kWidth; ++c) {
      EXPECT_NEAR(double{record[c]}, x[c], bound) << name_of(kind) << " column " << c;
    }
  }
}

TEST(RowOptimizer, HasTheSameBitsInEveryInstructionSet) {
  for (const OptimizerKind kind : kAll) {
    for (const std::size_t width : {1U, 3U, 4U, 8U, 15U, 16U, 17U, 31U, 33U, 64U, 65U, 130U}) {
      const RowOptimizer plain{options_of(kind), width, InstructionSet::reference};
      std::vector<float> want = record_of(plain, width);
      for (std::uint64_t t = 0; t < 20; ++t) {
        plain.step(want.data(), numbers(width, 50 + t).data(), 0.75F);
        plain.add(want.data(), numbers(width, 80 + t).data(), 0.75F);
        plain.add_late(want.data(), numbers(width, 110 + t).data(), 0.75F);
      }
      for (const Kernels& kernels : usable_kernels()) {
        const RowOptimizer optimizer{options_of(kind), width, kernels.set};
        std::vector<float> got = record_of(optimizer, width);
        for (std::uint64_t t = 0; t < 20; ++t) {
          optimizer.step(got.data(), numbers(width, 50 + t).data(), 0.75F);
          optimizer.add(got.data(), numbers(width, 80 + t).data(), 0.75F);
          optimizer.add_late(got.data(), numbers(width, 110 + t).data(), 0.75F);
        }
        EXPECT_TRUE(same_bits(got, want))
            << name_of(kind) << " " << name_of(kernels.set) << " width " << width;
      }
    }
  }
}

/// Parts of a gradient that touch different columns: then the sum of their squares is the square of
/// their sum.
TEST(RowOptimizer, AddsToAStepAsIfItHadBeenThereFromTheStart) {
  constexpr std::size_t kWidth = 21;
  for (const OptimizerKind kind :
       {OptimizerKind::sgd, OptimizerKind::momentum, OptimizerKind::adagrad, OptimizerKind::adam,
        OptimizerKind::ftrl}) {
    OptimizerOptions options = options_of(kind);
    options.l2 = 0;
    options.clip_norm = 0;
    const RowOptimizer optimizer{options, kWidth};
    std::vector<float> whole = record_of(optimizer, 4);
    std::vector<float> parts = whole;
    for (std::uint64_t t = 0; t < 20; ++t) {
      const std::vector<float> gradient = numbers(kWidth, 20 + t);
      std::vector<float> even = gradient;
      std::vector<float> odd = gradient;
      for (std::size_t c = 0; c < kWidth; ++c) (c % 2 == 0 ? odd : even)[c] = 0;
      optimizer.step(whole.data(), gradient.data(), 0.5F);
      optimizer.step(parts.data(), even.data(), 0.5F);
      optimizer.add(parts.data(), odd.data(), 0.5F);
    }
    // As above: twice 24 roundings in each step, of numbers below 10.
    for (std::size_t n = 0; n < whole.size(); ++n) {
      EXPECT_NEAR(parts[n], whole[n], 20 * 48 * 0x1p-24 * 10) << name_of(kind) << " number " << n;
    }
  }
}

TEST(RowOptimizer, DecaysARowOnceInAStep) {
  OptimizerOptions options{.learning_rate = 0.5F, .l2 = 0.25F};
  for (const OptimizerKind kind : {OptimizerKind::sgd, OptimizerKind::momentum}) {
    options.kind = kind;
    options.momentum = 0.5F;
    const RowOptimizer optimizer{options, 1};
    std::vector<float> record(optimizer.record_width());
    record[0] = 8;
    const float first = 4;
    const float second = -2;
    optimizer.step(record.data(), &first);
    optimizer.add(record.data(), &second);
    EXPECT_EQ(record[0], 8 - 0.5F * (4 + 0.25F * 8 - 2)) << name_of(kind);
    if (kind == OptimizerKind::momentum) {
      EXPECT_EQ(record[1], 4 + 0.25F * 8 - 2);
    }
  }
}

TEST(RowOptimizer, CountsNoStepForWhatComesLate) {
  OptimizerOptions options{.kind = OptimizerKind::adam, .learning_rate = 0.5F, .l2 = 1};
  options.beta1 = options.beta2 = 0.5F;
  options.epsilon = 0;
  const RowOptimizer optimizer{options, 1};
  std::vector<float> record(optimizer.record_width());
  const float first = 2;
  optimizer.step(record.data(), &first);
  EXPECT_EQ(record, (std::vector<float>{-0.5F, 1, 2, 1}));  // x, m, v, t
  const float late = 8;
  optimizer.add_late(record.data(), &late);
  EXPECT_EQ(record[1], 4.5F);    // half of it and of the gradient, without l2
  EXPECT_EQ(record[2], 2 + 32);  // not decayed
  EXPECT_EQ(record[3], 1);
  EXPECT_NEAR(record[0], -0.5 - 0.5 * 9 / std::sqrt(68.0), 8 * 0x1p-24);
}

TEST(RowOptimizer, RemembersInTheRecordAlone) {
  for (const OptimizerKind kind : kAll) {
    const RowOptimizer optimizer{options_of(kind), 9};
    std::vector<float> record = record_of(optimizer, 3);
    for (std::uint64_t t = 0; t < 5; ++t) optimizer.step(record.data(), numbers(9, t).data());
    std::vector<float> copy(1 + record.size());  // also at another alignment
    std::memcpy(copy.data() + 1, record.data(), record.size() * sizeof(float));
    const RowOptimizer later{options_of(kind), 9};
    for (std::uint64_t t = 5; t < 10; ++t) {
      optimizer.step(record.data(), numbers(9, t).data());
      later.step(copy.data() + 1, numbers(9, t).data());
    }
    EXPECT_TRUE(same_bits({copy.begin() + 1, copy.end()}, record)) << name_of(kind);
  }
}

TEST(RowOptimizer, TouchesNothingBehindTheRecord) {
  for (const OptimizerKind kind : kAll) {
    const RowOptimizer optimizer{options_of(kind), 7};
    std::vector<float> memory(optimizer.record_width() + 8, 42.0F);
    optimizer.start(memory.data());
    optimizer.step(memory.data(), numbers(7, 1).data());
    for (std::size_t n = optimizer.record_width(); n < memory.size(); ++n) {
      EXPECT_EQ(memory[n], 42.0F) << name_of(kind);
    }
  }
}

TEST(RowOptimizer, ClipsTheLengthOfTheGradientBeforeTheDecayIsAdded) {
  OptimizerOptions options{.learning_rate = 1, .l2 = 0.5F, .clip_norm = 2.5F};
  const std::vector<float> gradient{3, 4};  // of length 5: halved
  std::vector<float> record{8, 16};
  RowOptimizer{options, 2}.step(record.data(), gradient.data());
  EXPECT_EQ(record, (std::vector<float>{8 - (1.5F + 4), 16 - (2 + 8)}));
  options.clip_norm = 5;  // just long enough
  record = {8, 16};
  RowOptimizer{options, 2}.step(record.data(), gradient.data());
  EXPECT_EQ(record, (std::vector<float>{8 - (3 + 4), 16 - (4 + 8)}));
}

TEST(RowOptimizer, MovesByTheRateInAdamsFirstStep) {
  const OptimizerOptions options{.kind = OptimizerKind::adam, .learning_rate = 0.1F};
  for (const float size : {1e-3F, 1.0F, 1e3F}) {
    const std::vector<float> gradient{size, -size, 0};
    const RowOptimizer optimizer{options, 3};
    std::vector<float> record(optimizer.record_width());
    optimizer.step(record.data(), gradient.data());
    // epsilon is at most 1e-5 of the gradient; a dozen roundings.
    EXPECT_NEAR(record[0], -0.1, 0.1 * (1e-5 + 12 * 0x1p-24));
    EXPECT_NEAR(record[1], 0.1, 0.1 * (1e-5 + 12 * 0x1p-24));
    EXPECT_EQ(record[2], 0);
    EXPECT_EQ(record.back(), 1);  // one step
  }
}

TEST(RowOptimizer, CorrectsTheBiasOfAdamByTheStepsOfTheRow) {
  for (const auto& [t, beta1] : {std::pair{1, 0.9F},
                                 {1, 0.5F},
                                 {2, 0.9F},
                                 {3, 0.9F},
                                 {10, 0.9F},
                                 {1000, 0.5F},
                                 {1023, 0.9F},
                                 {1024, 0.9F},
                                 {100'000, 0.9F},
                                 {1 << 24, 0.9F}}) {
    const OptimizerOptions options{.kind = OptimizerKind::adam, .beta1 = beta1};
    const BiasCorrection got = bias_correction(options, static_cast<float>(t));
    // The powers take at most 2 log2(t) <= 48 products of doubles, and 1 - beta^t >= 0.0009.
    const double error = 0x1p-24 + 48 * 0x1p-53 / 0.0009;
    const double first = 1 / (1 - std::pow(double{options.beta1}, t));
    const double second = 1 / (1 - std::pow(double{options.beta2}, t));
    EXPECT_NEAR(got.first, first, first * error) << t;
    EXPECT_NEAR(got.second, second, second * error) << t;
  }
}

TEST(RowOptimizer, SharesOneAccumulatorInARowOfAdaGrad) {
  OptimizerOptions options{.kind = OptimizerKind::adagrad, .learning_rate = 0.5F, .epsilon = 0};
  const std::vector<float> gradient{1, -2, 4};
  std::vector<float> each(6);
  RowOptimizer{options, 3}.step(each.data(), gradient.data());
  EXPECT_EQ(each, (std::vector<float>{-0.5F, 0.5F, -0.5F, 1, 4, 16}));
  options.kind = OptimizerKind::adagrad_row;
  std::vector<float> row(4);
  RowOptimizer{options, 3}.step(row.data(), gradient.data());
  EXPECT_EQ(row[3], 7);  // the mean of 1, 4 and 16
  EXPECT_EQ(row[1], -2 * row[0]);
  EXPECT_EQ(row[2], 4 * row[0]);
}

TEST(RowOptimizer, KeepsZerosByFtrlWhereTheGradientIsNoise) {
  OptimizerOptions options{.kind = OptimizerKind::ftrl, .learning_rate = 0.1F};
  options.ftrl_l1 = 2;
  const RowOptimizer optimizer{options, 2};
  std::vector<float> record(optimizer.record_width());
  for (int t = 0; t < 50; ++t) {
    const std::vector<float> gradient{t % 2 == 0 ? 1.0F : -1.0F, 0.5F};
    optimizer.step(record.data(), gradient.data());
  }
  EXPECT_EQ(record[0], 0);
  EXPECT_LT(record[1], -0.1F);
}

TEST(RowOptimizer, StartsFtrlWhereTheRowStands) {
  OptimizerOptions options{.kind = OptimizerKind::ftrl, .learning_rate = 0.1F};
  options.ftrl_l1 = 0.5F;
  options.ftrl_l2 = 0.25F;
  const RowOptimizer optimizer{options, 3};
  std::vector<float> record(optimizer.record_width());
  record[0] = 0.5F;
  record[1] = -2;
  optimizer.start(record.data());
  const std::vector<float> nothing(3);
  optimizer.step(record.data(), nothing.data());
  // z = x (1 / 0.1 + 0.25) + 0.5 and back: five roundings of numbers below 21, over 10.25.
  EXPECT_NEAR(record[0], 0.5, 5 * 21 / 10.25 * 0x1p-24);
  EXPECT_NEAR(record[1], -2, 5 * 21 / 10.25 * 0x1p-24);
  EXPECT_EQ(record[2], 0);
}

TEST(OptimizerFrom, KnowsEveryNameAndNoOther) {
  for (const OptimizerKind kind : kAll) {
    EXPECT_EQ(optimizer_from(std::string{name_of(kind)}), kind);
  }
  EXPECT_THROW(static_cast<void>(optimizer_from("adamw")), ConfigError);
}

}  // namespace
}  // namespace factorps

#include "model/optimizer.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "common/check.hpp"
#include "common/error.hpp"
#include "model/kernels/optimizer_kernel.hpp"

namespace factorps {
namespace {

constexpr std::array<std::string_view, 6> kNames{"sgd",         "momentum", "adagrad",
                                                 "adagrad_row", "adam",     "ftrl"};

}  // namespace

OptimizerKind optimizer_from(const std::string& name) {
  const auto* const found = std::ranges::find(kNames, name);
  if (found == kNames.end()) {
    throw ConfigError{
        fmt::format("optimizer = \"{}\": expected {}", name, fmt::join(kNames, ", "))};
  }
  return static_cast<OptimizerKind>(found - kNames.begin());
}

std::string_view name_of(OptimizerKind kind) noexcept {
  return kNames[static_cast<std::size_t>(kind)];
}

std::size_t state_width(const OptimizerOptions& options, std::size_t width) noexcept {
  switch (options.kind) {
    case OptimizerKind::momentum:
    case OptimizerKind::adagrad:
      return width;
    case OptimizerKind::adagrad_row:
      return 1;
    case OptimizerKind::adam:
      return 2 * width + 1;
    case OptimizerKind::ftrl:
      return 2 * width;
    case OptimizerKind::sgd:
      break;
  }
  return 0;
}

namespace {

/// Powers of a base in [0, 1) by products in a fixed order: of base^(2^k) for the bits k of the
/// exponent, ascending. 0 where 1 less it is 1.
class Powers {
 public:
  void use(double base) noexcept {
    base_ = base;
    for (std::uint32_t n = 0; n < low_.size(); ++n) low_[n] = multiply(1, base, n);
    high_ = base;
    for (std::size_t n = 1; n < low_.size(); n *= 2) high_ *= high_;
  }
  [[nodiscard]] double base() const noexcept { return base_; }
  [[nodiscard]] double to(std::uint32_t n) const noexcept {
    const auto size = static_cast<std::uint32_t>(low_.size());
    return multiply(low_[n % size], high_, n / size);
  }

 private:
  static double multiply(double result, double base, std::uint32_t n) noexcept {
    for (; n > 0; n /= 2) {
      if (base < 0x1p-60) return 0;
      if (n % 2 == 1) result *= base;
      base *= base;
    }
    return result;
  }

  double base_ = -1;
  std::array<double, 1024> low_{};
  double high_ = 0;  // to the power of as many
};

float correction_of(float beta, std::uint32_t steps, Powers& powers) noexcept {
  if (powers.base() != double{beta}) powers.use(double{beta});
  return static_cast<float>(1 / (1 - powers.to(steps)));
}

}  // namespace

BiasCorrection bias_correction(const OptimizerOptions& options, float t) noexcept {
  thread_local constinit Powers first;
  thread_local constinit Powers second;
  const auto steps = static_cast<std::uint32_t>(t);
  return {correction_of(options.beta1, steps, first), correction_of(options.beta2, steps, second)};
}

RowOptimizer::RowOptimizer(const OptimizerOptions& options, std::size_t width, InstructionSet set)
    : options_{options},
      options_of_more_{options},
      width_{width},
      step_{row_steps_of(set, options.kind).step},
      add_{row_steps_of(set, options.kind).add},
      add_late_{row_steps_of(set, options.kind).add_late} {
  options_of_more_.l2 = 0;
  FACTORPS_CHECK(options.learning_rate > 0);
  FACTORPS_CHECK(options.beta1 >= 0 && options.beta1 < 1);
  FACTORPS_CHECK(options.beta2 >= 0 && options.beta2 < 1);
}

void RowOptimizer::start(float* record) const {
  std::fill(record + width_, record + record_width(), 0.0F);
  if (options_.kind != OptimizerKind::ftrl) return;
  const float curvature = options_.ftrl_beta / options_.learning_rate + options_.ftrl_l2;
  for (std::size_t c = 0; c < width_; ++c) {
    const float x = record[c];
    if (x != 0) record[width_ + c] = -x * curvature - std::copysign(options_.ftrl_l1, x);
  }
}

}  // namespace factorps

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

/// base^n for base in [0, 1), in a fixed order of products; 0 where 1 less it is 1.
double power(double base, std::uint32_t n) {
  double result = 1;
  for (; n > 0; n /= 2) {
    if (base < 0x1p-60) return 0;
    if (n % 2 == 1) result *= base;
    base *= base;
  }
  return result;
}

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

BiasCorrection correction_after(float beta1, float beta2, std::uint32_t steps) {
  return {static_cast<float>(1 / (1 - power(double{beta1}, steps))),
          static_cast<float>(1 / (1 - power(double{beta2}, steps)))};
}

/// Of the first steps of rows, which most have in common.
struct FirstCorrections {
  float beta1 = -1;
  float beta2 = -1;
  std::array<BiasCorrection, 1024> after{};  // [step]

  void use(float new_beta1, float new_beta2) noexcept {
    if (beta1 == new_beta1 && beta2 == new_beta2) return;
    beta1 = new_beta1;
    beta2 = new_beta2;
    for (std::uint32_t n = 0; n < after.size(); ++n) after[n] = correction_after(beta1, beta2, n);
  }
};

}  // namespace

BiasCorrection bias_correction(const OptimizerOptions& options, float t) noexcept {
  thread_local FirstCorrections first;
  first.use(options.beta1, options.beta2);
  const auto steps = static_cast<std::uint32_t>(t);
  if (steps < first.after.size()) return first.after[steps];
  return correction_after(options.beta1, options.beta2, steps);
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

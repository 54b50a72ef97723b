/// Exponentials and logarithms that do not depend on the C library: only operations that are
/// rounded exactly, in one order, so with the same bits for every instruction set.
#pragma once

#include <array>
#include <cstddef>

#include "model/kernels/sgd_kernel.hpp"

namespace factorps {

/// exp(x) for x <= 0, within 4e-16 of it; 0 below -700.
[[nodiscard]] double exp_of_negative(double x) noexcept;

/// 1 / (1 + exp(-x))
[[nodiscard]] double sigmoid(double x) noexcept;

/// log(1 + exp(x)), without overflow.
[[nodiscard]] double softplus(double x) noexcept;

struct LogisticKernels {
  /// Both of many numbers, in the bits of the functions above.
  void (*evaluate)(const double* x, std::size_t size, double* sigmoids, double* softpluses);
};

/// Of one instruction set. @param set one of usable_kernels()
[[nodiscard]] LogisticKernels logistic_kernels_of(InstructionSet set);

/// Of the best instruction set.
[[nodiscard]] const LogisticKernels& logistic_kernels();

namespace detail {

/// [n] 1 / n!
inline constexpr auto kInverseFactorials = [] {
  std::array<double, 15> inverses{};
  double factorial = 1;  // exact
  for (std::size_t n = 0; n < inverses.size(); ++n) {
    inverses[n] = 1 / factorial;
    factorial *= static_cast<double>(n + 1);
  }
  return inverses;
}();

/// [n] 1 / (2 n + 1)
inline constexpr auto kInverseOdds = [] {
  std::array<double, 19> inverses{};
  for (std::size_t n = 0; n < inverses.size(); ++n) {
    inverses[n] = 1 / static_cast<double>(2 * n + 1);
  }
  return inverses;
}();

inline constexpr double kLog2E = 1.4426950408889634;
inline constexpr double kLn2High = 0x1.62e42fefa3800p-1;  // 42 bits: n * high is exact
inline constexpr double kLn2Low = 0x1.ef35793c76730p-45;
inline constexpr double kLeastExponent = -700;  // exp() of less is taken for 0

}  // namespace detail

}  // namespace factorps

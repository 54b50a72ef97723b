#include "model/heads/logistic.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace factorps {
namespace {

/// 2^n for n > -1023
double power_of_two(std::int64_t n) {
  return std::bit_cast<double>(static_cast<std::uint64_t>(n + 1023) << 52);
}

/// [n] 1 / n!
constexpr auto kInverses = [] {
  std::array<double, 15> inverses{};
  double factorial = 1;  // exact
  for (std::size_t n = 0; n < inverses.size(); ++n) {
    inverses[n] = 1 / factorial;
    factorial *= static_cast<double>(n + 1);
  }
  return inverses;
}();

/// log(1 + y) for y in [0, 1]: 2 artanh(s) with s = y / (2 + y) <= 1/3, by its series; what is left
/// out is below s^39 / 39, i.e. 1e-19 s.
double log_one_plus(double y) {
  const double s = y / (2 + y);
  const double square = s * s;
  double sum = 0;
  for (int k = 37; k >= 1; k -= 2) sum = sum * square + 1.0 / k;
  return 2 * s * sum;
}

}  // namespace

double exp_of_negative(double x) noexcept {
  if (!(x > -700)) return x <= -700 ? 0 : x;
  constexpr double kLog2E = 1.4426950408889634;
  constexpr double kLn2High = 0x1.62e42fefa3800p-1;  // 42 bits: n * high is exact
  constexpr double kLn2Low = 0x1.ef35793c76730p-45;
  const double n = std::floor(x * kLog2E + 0.5);
  const double r = x - n * kLn2High - n * kLn2Low;  // |r| <= ln 2 / 2
  double sum = kInverses[14];                       // Taylor; r^15 / 15! is below 1e-19
  for (std::size_t k = 14; k-- > 0;) sum = kInverses[k] + sum * r;
  return sum * power_of_two(static_cast<std::int64_t>(n));
}

double sigmoid(double x) noexcept {
  const double e = exp_of_negative(-std::abs(x));
  return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}

double softplus(double x) noexcept {
  return (x > 0 ? x : 0) + log_one_plus(exp_of_negative(-std::abs(x)));
}

}  // namespace factorps

#include <algorithm>
#include <array>

#include "common/check.hpp"
#include "model/heads/head.hpp"
#include "model/kernels/logistic_kernel.hpp"

namespace factorps {
namespace {

double squared(std::span<const float> targets, std::span<const float> scores, float* slopes) {
  double sum = 0;
  for (std::size_t n = 0; n < scores.size(); ++n) {
    const double error = double{scores[n]} - double{targets[n]};
    slopes[n] = static_cast<float>(2 * error);
    sum += error * error;
  }
  return sum;
}

/// Calls use(n, x(n), sigmoid of it, softplus of it) for n < size, ascending.
template <class X, class Use>
void for_each_logistic(std::size_t size, X&& x, Use&& use) {
  constexpr std::size_t kBlock = 64;
  std::array<double, kBlock> at{};
  std::array<double, kBlock> sigmoids{};
  std::array<double, kBlock> softpluses{};
  for (std::size_t begin = 0; begin < size; begin += kBlock) {
    const std::size_t count = std::min(kBlock, size - begin);
    for (std::size_t n = 0; n < count; ++n) at[n] = x(begin + n);
    logistic_kernels().evaluate(at.data(), count, sigmoids.data(), softpluses.data());
    for (std::size_t n = 0; n < count; ++n) use(begin + n, at[n], sigmoids[n], softpluses[n]);
  }
}

double logistic(std::span<const float> targets, std::span<const float> scores, float* slopes) {
  double sum = 0;
  for_each_logistic(
      scores.size(), [&](std::size_t n) { return double{scores[n]}; },
      [&](std::size_t n, double x, double sigmoid, double softplus) {
        const double target = double{targets[n]};
        slopes[n] = static_cast<float>(sigmoid - target);
        sum += softplus - target * x;
      });
  return sum;
}

double pairwise(std::span<const float> scores, float* slopes) {
  FACTORPS_CHECK(scores.size() % 2 == 0);
  double sum = 0;
  for_each_logistic(
      scores.size() / 2,
      [&](std::size_t n) { return double{scores[2 * n + 1]} - double{scores[2 * n]}; },
      [&](std::size_t n, double, double sigmoid, double softplus) {
        slopes[2 * n + 1] = static_cast<float>(sigmoid);
        slopes[2 * n] = -slopes[2 * n + 1];
        sum += softplus;
      });
  return sum;
}

}  // namespace

double losses_of(HeadLoss loss, std::span<const float> targets, std::span<const float> scores,
                 std::vector<float>& slopes) {
  slopes.resize(scores.size());
  if (loss == HeadLoss::bpr) return pairwise(scores, slopes.data());
  FACTORPS_CHECK(targets.size() == scores.size());
  return loss == HeadLoss::squared ? squared(targets, scores, slopes.data())
                                   : logistic(targets, scores, slopes.data());
}

}  // namespace factorps

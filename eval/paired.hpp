/// Whether two systems differ, from the same users' results with each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace factorps::eval {

/// Values of the same users, users x metrics, row-major. NaN in either: the user lacks the metric.
struct PairedValues {
  std::size_t metrics = 0;
  std::vector<double> a;
  std::vector<double> b;
};

struct BootstrapSettings {
  std::uint32_t resamples = 2000;
  std::uint64_t seed = 1;
};

/// Of one metric, over the users that have it in both. What needs more users than there are is NaN.
struct PairedComparison {
  std::uint64_t users = 0;
  double mean_a = 0;
  double mean_b = 0;
  double difference = 0;  ///< mean of b - a
  double low = 0;         ///< 95 % percentile interval of the difference, by resampling users
  double high = 0;
  double t_p = 0;          ///< two-sided paired t-test
  double bootstrap_p = 0;  ///< two-sided, from how many resamples lie on the other side of 0
};

/// Resamples are functions of the seed alone, the same ones for all metrics (Efron, Tibshirani: "An
/// introduction to the bootstrap", 1993, chapter 13). @return by metric
[[nodiscard]] std::vector<PairedComparison> compare_paired(const PairedValues& values,
                                                           const BootstrapSettings& settings);

/// Probability that |T| of Student's distribution is at least |t|.
[[nodiscard]] double student_two_sided(double t, double degrees);

}  // namespace factorps::eval

#include "eval/paired.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/random.hpp"

namespace factorps::eval {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

/// The continued fraction of the incomplete beta function (Abramowitz, Stegun: "Handbook of
/// mathematical functions", 26.5.8), from the front with scaled numerators and denominators.
double beta_fraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300;
  const auto away_from_zero = [](double y) { return std::abs(y) < kTiny ? kTiny : y; };
  double ratio = 1;  // of neighbouring numerators
  double inverse = 1 / away_from_zero(1 - (a + b) * x / (a + 1));
  double value = inverse;
  for (int m = 1; m < 10000; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    double step = 1;
    for (const double term : {even, odd}) {
      inverse = 1 / away_from_zero(1 + term * inverse);
      ratio = away_from_zero(1 + term / ratio);
      step = inverse * ratio;
      value *= step;
    }
    if (std::abs(step - 1) < 1e-15) break;
  }
  return value;
}

/// Regularised incomplete beta function.
double beta_share(double a, double b, double x) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const double front = std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) +
                                a * std::log(x) + b * std::log1p(-x));
  // The fraction converges fast on this side of the mean only.
  if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(a, b, x) / a;
  return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

/// Linear between the neighbours of the exact place. @param sorted at least one
double quantile(std::span<const double> sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

/// b - a and whether there is one, users x metrics.
struct Differences {
  explicit Differences(const PairedValues& values) : value(values.a.size()), there(value.size()) {
    for (std::size_t n = 0; n < value.size(); ++n) {
      const double difference = values.b[n] - values.a[n];
      there[n] = std::isnan(difference) ? 0 : 1;
      value[n] = std::isnan(difference) ? 0 : difference;
    }
  }
  std::vector<double> value;
  std::vector<double> there;
};

/// Mean differences of each resample, ascending; resamples without a user that has the metric are
/// left out. [metric]
std::vector<std::vector<double>> resample(const Differences& differences, std::size_t metrics,
                                          const BootstrapSettings& settings) {
  const std::size_t users = metrics == 0 ? 0 : differences.value.size() / metrics;
  const RandomStream stream{settings.seed, Purpose::resample_users};
  std::vector<std::vector<double>> means(metrics);
  for (std::uint32_t r = 0; users > 0 && r < settings.resamples; ++r) {
    std::vector<double> sum(metrics);
    std::vector<double> count(metrics);
    for (std::uint32_t n = 0; n < users; ++n) {
      const std::size_t row = stream.below(users, r, n) * metrics;
      for (std::size_t m = 0; m < metrics; ++m) {
        sum[m] += differences.value[row + m];
        count[m] += differences.there[row + m];
      }
    }
    for (std::size_t m = 0; m < metrics; ++m) {
      if (count[m] > 0) means[m].push_back(sum[m] / count[m]);
    }
  }
  for (auto& some : means) std::ranges::sort(some);
  return means;
}

double bootstrap_p(std::span<const double> sorted) {
  const auto below = std::ranges::upper_bound(sorted, 0.0) - sorted.begin();
  const auto above = sorted.end() - std::ranges::lower_bound(sorted, 0.0);
  const auto fewer = static_cast<double>(std::min(below, above));
  return std::min(1.0, 2 * (fewer + 1) / (static_cast<double>(sorted.size()) + 1));
}

/// Means, difference and t-test of one metric.
PairedComparison t_test(const PairedValues& values, const Differences& differences,
                        std::size_t metric) {
  PairedComparison result;
  for (std::size_t n = metric; n < values.a.size(); n += values.metrics) {
    if (differences.there[n] == 0) continue;
    ++result.users;
    result.mean_a += values.a[n];
    result.mean_b += values.b[n];
    result.difference += differences.value[n];
  }
  const auto users = static_cast<double>(result.users);
  for (double* mean : {&result.mean_a, &result.mean_b, &result.difference}) *mean /= users;
  double squares = 0;
  for (std::size_t n = metric; n < values.a.size(); n += values.metrics) {
    const double off = differences.value[n] - result.difference;
    squares += differences.there[n] * off * off;
  }
  const double error = std::sqrt(squares / (users - 1) / users);
  const double same = result.difference == 0 ? 1 : 0;
  result.t_p = result.users < 2 ? kNone
               : error == 0     ? same
                                : student_two_sided(result.difference / error, users - 1);
  return result;
}

}  // namespace

double student_two_sided(double t, double degrees) {
  return beta_share(degrees / 2, 0.5, degrees / (degrees + t * t));
}

std::vector<PairedComparison> compare_paired(const PairedValues& values,
                                             const BootstrapSettings& settings) {
  const Differences differences{values};
  const auto means = resample(differences, values.metrics, settings);
  std::vector<PairedComparison> results;
  for (std::size_t m = 0; m < values.metrics; ++m) {
    PairedComparison result = t_test(values, differences, m);
    const bool some = result.users > 1 && !means[m].empty();
    result.low = some ? quantile(means[m], 0.025) : kNone;
    result.high = some ? quantile(means[m], 0.975) : kNone;
    result.bootstrap_p = some ? bootstrap_p(means[m]) : kNone;
    results.push_back(result);
  }
  return results;
}

}  // namespace factorps::eval

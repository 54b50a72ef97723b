#include "scheduler/scaling/statistics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <utility>

#include "common/check.hpp"
#include "common/random.hpp"

namespace factorps::scheduler {
namespace {

constexpr std::size_t kTerms = 3;
using Terms = std::array<double, kTerms>;

/// A sample of the same size, drawn with replacement.
double median_of_sample(std::span<const double> values, const RandomStream& random,
                        std::uint64_t sample, std::uint32_t side) {
  std::vector<double> drawn(values.size());
  for (std::size_t k = 0; k < drawn.size(); ++k) {
    const auto column = static_cast<std::uint32_t>(2 * k + side);
    drawn[k] = values[random.below(values.size(), sample, column)];
  }
  return median(std::move(drawn));
}

/// What each term contributes per unit, relative to the measured seconds.
Terms terms_of(const FitPoint& p) {
  return {p.interactions / p.seconds, p.interactions / p.workers / p.seconds,
          p.bytes_per_node / p.seconds};
}

/// The normal equations of some of the terms, each scaled to length one; the last column is what
/// to fit: 1 in every row.
struct Equations {
  std::vector<std::size_t> terms;
  Terms length{};                                          // [term]
  std::array<std::array<double, kTerms + 1>, kTerms> m{};  // [k][l] of terms[k] and terms[l]
};

Equations equations_of(const std::vector<Terms>& rows, unsigned chosen) {
  Equations e;
  for (std::size_t t = 0; t < kTerms; ++t) {
    if ((chosen >> t & 1U) != 0) e.terms.push_back(t);
    for (const Terms& row : rows) e.length[t] += row[t] * row[t];
    e.length[t] = e.length[t] > 0 ? std::sqrt(e.length[t]) : 1;
  }
  const std::size_t n = e.terms.size();
  for (const Terms& row : rows) {
    for (std::size_t k = 0; k < n; ++k) {
      const double left = row[e.terms[k]] / e.length[e.terms[k]];
      for (std::size_t l = 0; l < n; ++l) {
        e.m[k][l] += left * row[e.terms[l]] / e.length[e.terms[l]];
      }
      e.m[k][n] += left;
    }
  }
  return e;
}

/// Gaussian elimination; the matrix has no negative eigenvalue and needs no pivoting.
/// @return whether no term is zero everywhere or like another
bool eliminate(Equations& e) {
  const std::size_t n = e.terms.size();
  for (std::size_t k = 0; k < n; ++k) {
    constexpr double kAlike = 1e-9;
    if (e.m[k][k] < kAlike) return false;
    for (std::size_t i = 0; i < n; ++i) {
      if (i == k) continue;
      const double factor = e.m[i][k] / e.m[k][k];
      for (std::size_t l = k; l <= n; ++l) e.m[i][l] -= factor * e.m[k][l];
    }
  }
  return true;
}

/// The coefficients of the terms in `chosen` (a set of bits) that fit 1 best.
std::optional<Terms> solve(const std::vector<Terms>& rows, unsigned chosen) {
  Equations e = equations_of(rows, chosen);
  if (!eliminate(e)) return std::nullopt;
  Terms solution{};
  const std::size_t n = e.terms.size();
  for (std::size_t k = 0; k < n; ++k) {
    solution[e.terms[k]] = e.m[k][n] / e.m[k][k] / e.length[e.terms[k]];
  }
  return solution;
}

double residual_of(const std::vector<Terms>& rows, const Terms& x) {
  double sum = 0;
  for (const Terms& row : rows) {
    const double error = 1 - (row[0] * x[0] + row[1] * x[1] + row[2] * x[2]);
    sum += error * error;
  }
  return std::sqrt(sum / static_cast<double>(rows.size()));
}

bool can_be_fitted(std::span<const FitPoint> points) {
  std::set<int> workers;
  std::set<std::pair<int, double>> layouts;
  for (const FitPoint& p : points) {
    workers.insert(p.workers);
    layouts.emplace(p.workers, p.bytes_per_node);
  }
  return workers.size() >= 2 && layouts.size() >= 3;
}

}  // namespace

double median(std::vector<double> values) {
  FACTORPS_CHECK(!values.empty());
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

Estimate ratio_of_medians(std::span<const double> a, std::span<const double> b,
                          std::uint64_t seed) {
  constexpr std::uint64_t kSamples = 2000;
  const RandomStream random{seed, Purpose::scaling};
  std::vector<double> ratios(kSamples);
  for (std::uint64_t s = 0; s < kSamples; ++s) {
    ratios[s] = median_of_sample(a, random, s, 0) / median_of_sample(b, random, s, 1);
  }
  std::ranges::sort(ratios);
  const auto at = [&](double share) {
    return ratios[static_cast<std::size_t>(share * (kSamples - 1))];
  };
  return {median({a.begin(), a.end()}) / median({b.begin(), b.end()}), at(0.025), at(0.975)};
}

double ScalingFit::seconds(const FitPoint& at) const noexcept {
  return at.interactions * (serial + parallel / at.workers) + network * at.bytes_per_node;
}

double ScalingFit::serial_fraction() const noexcept {
  const double all = serial + parallel;
  return all > 0 ? serial / all : 0;
}

double ScalingFit::network_share(const FitPoint& at) const noexcept {
  const double all = seconds(at);
  return all > 0 ? network * at.bytes_per_node / all : 0;
}

std::optional<ScalingFit> fit_scaling(std::span<const FitPoint> points) {
  if (!can_be_fitted(points)) return std::nullopt;
  std::vector<Terms> rows;
  for (const FitPoint& point : points) rows.push_back(terms_of(point));
  std::optional<ScalingFit> best;
  // With three terms the best without a negative one is the best of all subsets that have none.
  for (unsigned chosen = 1; chosen < 1U << kTerms; ++chosen) {
    const auto x = solve(rows, chosen);
    if (!x || std::ranges::any_of(*x, [](double term) { return term < 0; })) continue;
    const double residual = residual_of(rows, *x);
    if (!best || residual < best->residual) best = ScalingFit{(*x)[0], (*x)[1], (*x)[2], residual};
  }
  return best;
}

}  // namespace factorps::scheduler

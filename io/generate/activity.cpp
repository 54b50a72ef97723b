#include "io/generate/activity.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "common/error.hpp"
#include "common/random.hpp"
#include "io/generate/columns.hpp"

namespace factorps {
namespace {

/// The factor by which weights must grow so that they, kept between 1 and `most`, sum up to
/// `total`.
double find_scale(const std::vector<float>& weights, double most, double total) {
  const auto sum = [&](double scale) {
    double result = 0;
    for (const float weight : weights) result += std::clamp(double{weight} * scale, 1.0, most);
    return result;
  };
  double low = 0;
  double high = 1;
  while (sum(high) < total && high < 1e300) high *= 2;
  for (int step = 0; step < 60; ++step) {
    const double middle = (low + high) / 2;
    (sum(middle) < total ? low : high) = middle;
  }
  return high;
}

}  // namespace

std::vector<std::uint32_t> ratings_per_user(std::uint64_t users, std::uint64_t items,
                                            std::uint64_t interactions, std::uint64_t seed) {
  const std::uint64_t most = std::max<std::uint64_t>(items / 2, 1);
  if (interactions < users || interactions / most > users || interactions > users * most) {
    throw ConfigError{
        fmt::format("{} interactions of {} users with {} items: expected {} (one for each user) to "
                    "{} (half of all pairs)",
                    interactions, users, items, users, users * most)};
  }
  constexpr double kSigma = 1.2;
  const RandomStream random{seed, Purpose::generate};
  std::vector<float> weights(users);
  for (std::uint64_t u = 0; u < users; ++u) {
    weights[u] = static_cast<float>(std::exp(kSigma * random.normal(u, columns::kActivity)));
  }
  const double scale =
      find_scale(weights, static_cast<double>(most), static_cast<double>(interactions));
  std::vector<std::uint32_t> counts(users);
  std::uint64_t sum = 0;
  for (std::uint64_t u = 0; u < users; ++u) {
    counts[u] = static_cast<std::uint32_t>(
        std::clamp(double{weights[u]} * scale, 1.0, static_cast<double>(most)));
    sum += counts[u];
  }
  // What was cut off goes to the first users that have room, one each, round after round.
  for (std::uint64_t u = 0; sum < interactions; u = (u + 1) % users) {
    if (counts[u] < most) ++counts[u], ++sum;
  }
  for (std::uint64_t u = 0; sum > interactions; u = (u + 1) % users) {
    if (counts[u] > 1) --counts[u], --sum;
  }
  return counts;
}

}  // namespace factorps

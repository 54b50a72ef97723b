#include "io/prepare/normalise.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "common/error.hpp"

namespace factorps {
namespace {

/// Running mean and variance (Welford 1962), least and greatest value.
struct Statistics {
  std::uint64_t count = 0;
  double mean = 0;
  double squares = 0;  // sum of squared differences to the mean
  double least = std::numeric_limits<double>::infinity();
  double most = -std::numeric_limits<double>::infinity();

  void add(double value) {
    ++count;
    const double difference = value - mean;
    mean += difference / static_cast<double>(count);
    squares += difference * (value - mean);
    least = std::min(least, value);
    most = std::max(most, value);
  }
};

NormaliseBy scope_from(std::string_view by) {
  if (by == "global") return NormaliseBy::global;
  if (by == "user") return NormaliseBy::user;
  if (by == "item") return NormaliseBy::item;
  throw ConfigError{fmt::format("clean.normalise_by = \"{}\", expected global, user or item", by)};
}

struct Affine {
  float offset = 0;
  float scale = 1;
};

Affine affine(const Statistics& statistics, std::string_view method) {
  const auto usable = [](double scale) { return scale > 0 ? static_cast<float>(scale) : 1.0F; };
  if (statistics.count == 0) return {};
  if (method == "mean") return {static_cast<float>(statistics.mean), 1.0F};
  if (method == "zscore") {
    const double variance = statistics.squares / static_cast<double>(statistics.count);
    return {static_cast<float>(statistics.mean), usable(std::sqrt(variance))};
  }
  if (method == "minmax") {
    return {static_cast<float>(statistics.least), usable(statistics.most - statistics.least)};
  }
  throw ConfigError{
      fmt::format("clean.normalise = \"{}\", expected none, mean, zscore or minmax", method)};
}

}  // namespace

Normalisation learn_normalisation(const GroupedRows& data, std::string_view method,
                                  std::string_view by) {
  if (method == "none") return {};
  Normalisation result;
  result.by = scope_from(by);
  const std::uint64_t groups = result.by == NormaliseBy::global ? 1
                               : result.by == NormaliseBy::user ? data.users()
                                                                : data.num_items;
  Statistics all;
  std::vector<Statistics> statistics(groups);
  for (std::size_t n = 0; n < data.size(); ++n) {
    if (data.parts[n] != Part::train) continue;
    all.add(double{data.rows.values[n]});
    statistics[result.index(data.rows.users[n], data.rows.items[n])].add(
        double{data.rows.values[n]});
  }
  result.offset.resize(groups);
  result.scale.resize(groups);
  for (std::uint64_t g = 0; g < groups; ++g) {
    const Affine numbers = affine(statistics[g].count > 0 ? statistics[g] : all, method);
    result.offset[g] = numbers.offset;
    result.scale[g] = numbers.scale;
  }
  return result;
}

void apply_normalisation(GroupedRows& data, const Normalisation& normalisation) {
  for (std::size_t n = 0; n < data.size(); ++n) {
    float& value = data.rows.values[n];
    value = normalisation.apply(data.rows.users[n], data.rows.items[n], value);
  }
}

}  // namespace factorps

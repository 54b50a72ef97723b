#include "ps/rows/attribute_lists.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/error.hpp"

namespace factorps::ps {
namespace {

Attribute attribute_of(const Dataset& dataset, bool of_users, const std::string& name) {
  auto attribute = of_users ? dataset.user_attribute(name) : dataset.item_attribute(name);
  if (attribute) return *std::move(attribute);
  const auto names = of_users ? dataset.user_attribute_names() : dataset.item_attribute_names();
  throw ConfigError{fmt::format(
      "model.{}_attributes: \"{}\" is none of {}, which has {}", of_users ? "user" : "item", name,
      dataset.path().string(), names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", ")))};
}

/// Mean and standard deviation over rows with training interactions; 0 and 1 without any spread.
void standardise(const Attribute& attribute, std::span<const std::uint32_t> counts,
                 AttributeFeature& feature) {
  double count = 0;
  double sum = 0;
  double squares = 0;
  for (std::uint64_t row = 0; row < attribute.rows(); ++row) {
    if (counts[row] == 0 || !attribute.known(row)) continue;
    const double x = double{attribute.numbers[row]};
    count += 1;
    sum += x;
    squares += x * x;
  }
  if (count == 0) return;
  feature.mean = sum / count;
  const double variance = squares / count - feature.mean * feature.mean;
  if (variance > 0) feature.scale = std::sqrt(variance);
}

}  // namespace

AttributeLists::AttributeLists(const Dataset& dataset, bool of_users,
                               std::vector<std::string> names, std::uint64_t first)
    : first_{first} {
  std::ranges::sort(names);
  if (const auto twice = std::ranges::adjacent_find(names); twice != names.end()) {
    throw ConfigError{fmt::format("model.{}_attributes: \"{}\" twice, expected each one once",
                                  of_users ? "user" : "item", *twice)};
  }
  const auto counts = of_users ? dataset.user_counts() : dataset.item_counts();
  std::vector<Attribute> attributes;
  for (const std::string& name : names) {
    attributes.push_back(attribute_of(dataset, of_users, name));
    const Attribute& attribute = attributes.back();
    AttributeFeature feature{name, attribute.kind, attribute.values, 0, 1, {}};
    if (attribute.kind == AttributeKind::number) standardise(attribute, counts, feature);
    attributes_.push_back(std::move(feature));
  }
  add(attributes, counts);
}

void AttributeLists::add(const std::vector<Attribute>& attributes,
                         std::span<const std::uint32_t> counts) {
  std::uint64_t size = 0;
  std::vector<std::vector<std::uint32_t>> codes;  // [attribute][code] feature of the attribute
  for (std::size_t a = 0; a < attributes.size(); ++a) {
    codes.push_back(feature_of_code(attributes_[a], attributes[a]));
    size += attributes_[a].size();
  }
  trained_.resize(size);
  begin_.push_back(0);
  for (std::uint64_t row = 0; row < counts.size(); ++row) {
    std::uint64_t offset = 0;
    for (std::size_t a = 0; a < attributes.size(); ++a) {
      for_each_feature(attributes_[a], attributes[a], codes[a], row, [&](std::uint32_t n, float x) {
        features_.push_back(static_cast<std::uint32_t>(first_ + offset + n));
        values_.push_back(x);
        if (counts[row] > 0) trained_[offset + n] = true;
      });
      offset += attributes_[a].size();
    }
    begin_.push_back(features_.size());
  }
}

}  // namespace factorps::ps

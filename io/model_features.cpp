#include "io/model_features.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include <fmt/format.h>

#include "common/error.hpp"

namespace factorps {
namespace {

constexpr const char* kGroup = "/features";

[[noreturn]] void fail(const h5::File& file, const std::string& object, const std::string& what) {
  throw DataError{fmt::format("{}: {} {}", file.path().string(), object, what)};
}

/// Calls visit(features, name of their group) for users, then items.
template <class Features, class Visit>
void for_both(Features& features, Visit&& visit) {
  visit(features.users, std::string{kGroup} + "/users");
  visit(features.items, std::string{kGroup} + "/items");
}

void write_values(h5::File& file, const std::string& group,
                  const std::vector<std::string>& values) {
  std::vector<std::uint64_t> offsets{0};
  std::string bytes;
  for (const std::string& value : values) {
    bytes += value;
    offsets.push_back(bytes.size());
  }
  file.write(group + "/value_offsets", offsets);
  file.write(group + "/value_bytes", {bytes.size()}, std::span<const char>{bytes});
}

std::vector<std::string> read_values(const h5::File& file, const std::string& group) {
  const auto offsets = file.read<std::uint64_t>(group + "/value_offsets");
  const auto bytes = file.read<char>(group + "/value_bytes");
  if (offsets.empty() || offsets.front() != 0 || offsets.back() != bytes.size() ||
      !std::ranges::is_sorted(offsets)) {
    fail(file, group + "/value_offsets", fmt::format("do not ascend from 0 to {}", bytes.size()));
  }
  std::vector<std::string> values;
  for (std::size_t n = 0; n + 1 < offsets.size(); ++n)
    values.emplace_back(bytes.data() + offsets[n], offsets[n + 1] - offsets[n]);
  if (std::ranges::adjacent_find(values, std::greater_equal<>{}) != values.end())
    fail(file, group + "/value_bytes", "are not distinct texts in ascending order");
  return values;
}

AttributeFeature read_feature(const h5::File& file, const std::string& group,
                              const std::string& name, std::uint64_t dim) {
  AttributeFeature feature;
  feature.name = name;
  const std::string kind = file.text(group, "kind");
  feature.kind = kind == "number" ? AttributeKind::number
                 : kind == "tags" ? AttributeKind::tags
                                  : AttributeKind::category;
  if (kind != kind_name(feature.kind))
    fail(file, group, fmt::format("is of kind '{}', expected category, tags or number", kind));
  if (feature.kind == AttributeKind::number) {
    feature.mean = file.real(group, "mean");
    feature.scale = file.real(group, "scale");
    if (!std::isfinite(feature.mean) || !(feature.scale > 0))
      fail(file, group,
           fmt::format("has mean {} and scale {}, expected a finite mean and a scale "
                       "above 0",
                       feature.mean, feature.scale));
  } else {
    feature.values = read_values(file, group);
  }
  const h5::Shape expected{feature.size(), dim + 1};
  if (file.shape(group + "/rows") != expected)
    fail(file, group + "/rows",
         fmt::format("has another shape than [{}, {}]", expected[0], expected[1]));
  feature.rows = file.read<float>(group + "/rows");
  return feature;
}

}  // namespace

std::vector<std::uint32_t> feature_of_code(const AttributeFeature& feature,
                                           const Attribute& attribute) {
  std::vector<std::uint32_t> numbers;
  for (const std::string& value : attribute.values) {
    const auto at = std::ranges::lower_bound(feature.values, value);
    const bool found = at != feature.values.end() && *at == value;
    numbers.push_back(found ? static_cast<std::uint32_t>(at - feature.values.begin())
                            : static_cast<std::uint32_t>(feature.size()));
  }
  return numbers;
}

namespace {

const std::string kContext = std::string{kGroup} + "/context";

void write_context(h5::File& file, const ModelFeatures& features, std::uint64_t dim) {
  if (features.context.empty()) return;
  file.create_group(kContext);
  file.set(kContext, "latest_time", features.latest_time);
  for (const ContextFeature& feature : features.context) {
    file.write(kContext + '/' + name_of(feature.kind) + "/rows", {size_of(feature.kind), dim + 1},
               std::span{feature.rows});
  }
}

void read_context(const h5::File& file, std::uint64_t dim, ModelFeatures& features) {
  if (!file.exists(kContext)) return;
  features.latest_time = file.integer(kContext, "latest_time");
  for (const std::string& name : file.members(kContext)) {
    const auto kind = context_from(name);
    const std::string rows = kContext + '/' + name + "/rows";
    if (!kind) fail(file, kContext + '/' + name, "is unknown, expected weekday, month or hour");
    if (const h5::Shape expected{size_of(*kind), dim + 1}; file.shape(rows) != expected)
      fail(file, rows, fmt::format("has another shape than [{}, {}]", expected[0], expected[1]));
    features.context.push_back({*kind, file.read<float>(rows)});
  }
  std::ranges::sort(features.context, {}, &ContextFeature::kind);
}

void digest_context(const ModelFeatures& features, Sha256& sha) {
  if (features.context.empty()) return;
  sha.update(fmt::format("{} {}\n", kContext, features.latest_time));
  for (const ContextFeature& feature : features.context) {
    sha.update(fmt::format("{}\n", name_of(feature.kind)));
    sha.update(std::as_bytes(std::span{feature.rows}));
  }
}

}  // namespace

void write_features(h5::File& file, const ModelFeatures& features, std::uint64_t dim) {
  for_both(features, [&](const auto& side, const std::string& at) {
    file.create_group(at);
    for (const AttributeFeature& feature : side) {
      const std::string group = at + '/' + feature.name;
      file.write(group + "/rows", {feature.size(), dim + 1}, std::span{feature.rows});
      file.set(group, "kind", std::string_view{kind_name(feature.kind)});
      if (feature.kind == AttributeKind::number) {
        file.set(group, "mean", feature.mean);
        file.set(group, "scale", feature.scale);
      } else {
        write_values(file, group, feature.values);
      }
    }
  });
  write_context(file, features, dim);
}

ModelFeatures read_features(const h5::File& file, std::uint64_t dim) {
  ModelFeatures features;
  for_both(features, [&](auto& side, const std::string& at) {
    for (const std::string& name : file.members(at))
      side.push_back(read_feature(file, at + '/' + name, name, dim));
  });
  read_context(file, dim, features);
  return features;
}

void digest(const ModelFeatures& features, Sha256& sha) {
  for_both(features, [&](const auto& side, const std::string& at) {
    for (const AttributeFeature& feature : side) {
      sha.update(fmt::format("{}/{} {}\n", at, feature.name, kind_name(feature.kind)));
      for (const std::string& value : feature.values)
        sha.update(fmt::format("{} {}", value.size(), value));
      for (const double x : {feature.mean, feature.scale})
        sha.update(std::as_bytes(std::span{&x, 1}));
      sha.update(std::as_bytes(std::span{feature.rows}));
    }
  });
  digest_context(features, sha);
}

std::vector<std::string> feature_datasets(const h5::File& file) {
  std::vector<std::string> names;
  for (const std::string& side : file.members(kGroup)) {
    const std::string at = std::string{kGroup} + '/' + side;
    for (const std::string& attribute : file.members(at)) {
      for (const std::string& name : file.members(at + '/' + attribute))
        names.push_back(at + '/' + attribute + '/' + name);
    }
  }
  return names;
}

}  // namespace factorps

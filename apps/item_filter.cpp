#include "apps/item_filter.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "apps/id_file.hpp"
#include "common/error.hpp"
#include "common/hash.hpp"
#include "io/text/number.hpp"

namespace factorps::apps {
namespace {

/// NAME=TEXT, NAME>=NUMBER or NAME<=NUMBER.
struct Condition {
  std::string name;
  char relation;  // '=', '>' (or equal), '<' (or equal)
  std::string text;
  double number = 0;
};

Condition parse_condition(const std::string& text) {
  const std::size_t at = text.find('=');
  if (at != std::string::npos && at > 0) {
    const char before = text[at - 1];
    const bool compares = before == '>' || before == '<';
    Condition condition{text.substr(0, compares ? at - 1 : at), compares ? before : '=',
                        text.substr(at + 1), 0};
    const auto number = compares ? finite_double(condition.text) : std::optional{0.0};
    if (!condition.name.empty() && number) {
      condition.number = *number;
      return condition;
    }
  }
  throw ConfigError{
      fmt::format("--where {}: expected NAME=TEXT, NAME>=NUMBER or NAME<=NUMBER", text)};
}

bool holds(const Condition& condition, const Attribute& attribute, std::uint64_t row) {
  if (attribute.kind != AttributeKind::number) {
    return std::ranges::any_of(attribute.codes_of(row), [&](std::uint32_t code) {
      return attribute.values[code] == condition.text;
    });
  }
  const double x = double{attribute.numbers[row]};  // NaN: neither
  return condition.relation == '>' ? x >= condition.number : x <= condition.number;
}

void check(const Condition& condition, const Attribute& attribute) {
  const bool number = attribute.kind == AttributeKind::number;
  if (number != (condition.relation == '=')) return;
  throw ConfigError{fmt::format("--where {}{}{}: the attribute is of kind {}, expected {}",
                                condition.name, condition.relation, condition.text,
                                kind_name(attribute.kind), number ? ">= or <=" : "=")};
}

/// Rows of the model of the items in a file, one per line.
std::vector<std::uint64_t> read_items(const std::filesystem::path& path, const IdFinder& ids,
                                      std::uint64_t& unknown) {
  std::vector<std::uint64_t> rows;
  for_each_id(path, "item", [&](const std::string& id) {
    if (const auto row = ids.find(id)) {
      rows.push_back(*row);
    } else {
      ++unknown;
    }
  });
  return rows;
}

Attribute found(std::optional<Attribute> attribute, const std::string& name, const char* of,
                const std::vector<std::string>& names, const Dataset& dataset) {
  if (attribute) return std::move(*attribute);
  throw ConfigError{fmt::format(
      "{}: {} have no attribute {}, expected one of: {}", dataset.path().string(), of, name,
      names.empty() ? "none (see [attributes])" : fmt::format("{}", fmt::join(names, ", ")))};
}

}  // namespace

Attribute AttributeSource::item_attribute(const std::string& name) const {
  return found(dataset.item_attribute(name), name, "items", dataset.item_attribute_names(),
               dataset);
}

Attribute AttributeSource::user_attribute(const std::string& name) const {
  return found(dataset.user_attribute(name), name, "users", dataset.user_attribute_names(),
               dataset);
}

ItemFilter::ItemFilter(const ItemFilterOptions& options, const Model& model,
                       const AttributeSource* source)
    : items_{model.info().items} {
  if (!options.only.empty() || !options.without.empty()) {
    const IdFinder ids = model.find_items();
    std::vector<std::uint8_t> listed(items_);
    if (!options.only.empty()) {
      for (const auto row : read_items(options.only, ids, unknown_)) listed[row] = 1;
      restrict([&](std::uint64_t item) { return listed[item] == 1; });
    }
    if (!options.without.empty()) {
      for (const auto row : read_items(options.without, ids, unknown_)) listed[row] = 2;
      restrict([&](std::uint64_t item) { return listed[item] != 2; });
    }
  }
  if (options.min_popularity > 0) {
    const auto counts = model.item_counts();
    restrict([&](std::uint64_t item) { return counts[item] >= options.min_popularity; });
  }
  if (source == nullptr) return;
  apply_where(options.where, *source);
  for (const std::string& quota : options.quotas) add_quota(quota, *source);
}

template <class Keep>
void ItemFilter::restrict(Keep keep) {
  if (allowed_.empty()) allowed_.assign(items_, 1);
  for (std::uint64_t item = 0; item < items_; ++item) {
    if (!keep(item)) allowed_[item] = 0;
  }
}

/// Conditions on one attribute by = are alternatives; all others must hold together.
void ItemFilter::apply_where(const std::vector<std::string>& where, const AttributeSource& source) {
  std::map<std::string, std::vector<Condition>> conditions;
  for (const std::string& text : where) {
    const Condition condition = parse_condition(text);
    conditions[condition.name].push_back(condition);
  }
  for (const auto& entry : conditions) {
    const std::vector<Condition>& some = entry.second;
    const Attribute attribute = source.item_attribute(entry.first);
    for (const Condition& condition : some) check(condition, attribute);
    std::vector<std::uint8_t> kept(items_);
    for (std::uint64_t row = 0; row < attribute.rows(); ++row) {
      const auto item = source.match.item(row);
      const auto one = [&](const Condition& condition) { return holds(condition, attribute, row); };
      if (item && (attribute.kind == AttributeKind::number ? std::ranges::all_of(some, one)
                                                           : std::ranges::any_of(some, one))) {
        kept[*item] = 1;
      }
    }
    restrict([&](std::uint64_t item) { return kept[item] != 0; });
  }
}

void ItemFilter::add_quota(const std::string& text, const AttributeSource& source) {
  const std::size_t at = text.rfind('=');
  const auto most =
      at == std::string::npos ? std::nullopt : finite_double(std::string_view{text}.substr(at + 1));
  constexpr double kMost = std::numeric_limits<std::uint32_t>::max();
  if (!most || at == 0 || *most < 1 || *most > kMost || *most != std::floor(*most)) {
    throw ConfigError{fmt::format("--quota {}: expected NAME=N with N from 1 on", text)};
  }
  const Attribute attribute = source.item_attribute(text.substr(0, at));
  if (attribute.kind == AttributeKind::number) {
    throw ConfigError{
        fmt::format("--quota {}: the attribute is a number, expected a category or tags", text)};
  }
  Quota quota;
  quota.text = text;
  quota.most = static_cast<std::uint64_t>(*most);
  quota.values = static_cast<std::uint32_t>(attribute.values.size());
  std::vector<std::span<const std::uint32_t>> of_item(items_);
  for (std::uint64_t row = 0; row < attribute.rows(); ++row) {
    if (const auto item = source.match.item(row)) of_item[*item] = attribute.codes_of(row);
  }
  quota.offsets.push_back(0);
  for (const auto codes : of_item) {
    quota.codes.insert(quota.codes.end(), codes.begin(), codes.end());
    quota.offsets.push_back(quota.codes.size());
  }
  quotas_.push_back(std::move(quota));
}

std::vector<float> ItemFilter::mask(std::span<const float> scores) const {
  std::vector<float> masked{scores.begin(), scores.end()};
  for (std::size_t item = 0; item < allowed_.size(); ++item) {
    if (allowed_[item] == 0) masked[item] = std::numeric_limits<float>::quiet_NaN();
  }
  return masked;
}

std::vector<eval::ScoredItem> ItemFilter::pick(std::span<const eval::ScoredItem> ranked,
                                               std::size_t count) const {
  std::vector<std::map<std::uint32_t, std::uint64_t>> taken(quotas_.size());  // [quota][value]
  std::vector<eval::ScoredItem> picked;
  const auto codes = [&](std::size_t q, std::uint32_t item) {
    const Quota& quota = quotas_[q];
    return std::span{quota.codes}.subspan(quota.offsets[item],
                                          quota.offsets[item + 1] - quota.offsets[item]);
  };
  for (const eval::ScoredItem& scored : ranked) {
    if (picked.size() == count) break;
    bool room = true;
    for (std::size_t q = 0; q < quotas_.size(); ++q) {
      for (const std::uint32_t code : codes(q, scored.item)) {
        room = room && taken[q][code] < quotas_[q].most;
      }
    }
    if (!room) continue;
    picked.push_back(scored);
    for (std::size_t q = 0; q < quotas_.size(); ++q) {
      for (const std::uint32_t code : codes(q, scored.item)) ++taken[q][code];
    }
  }
  return picked;
}

std::string ItemFilter::identity() const {
  std::string text = fmt::format("{:x}", checksum(std::as_bytes(std::span{allowed_})));
  for (const Quota& quota : quotas_) {
    text += fmt::format(" {} {:x}", quota.text, checksum(std::as_bytes(std::span{quota.codes})));
  }
  return text;
}

}  // namespace factorps::apps

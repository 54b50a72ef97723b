#include "apps/segments.hpp"

#include <algorithm>
#include <numeric>

namespace factorps::apps {
namespace {

/// Positions of the values that most rows have, at most `most`, in the order of the values.
std::vector<std::uint32_t> frequent_values(const Attribute& attribute, std::size_t most) {
  std::vector<std::uint64_t> rows(attribute.values.size());
  for (const std::uint32_t code : attribute.codes) ++rows[code];
  std::vector<std::uint32_t> order(rows.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, [&](auto a, auto b) { return rows[a] > rows[b]; });
  order.resize(std::min(order.size(), most));
  std::ranges::sort(order);
  return order;
}

}  // namespace

void Segments::add_by_training(const Dataset& dataset, std::int64_t cold_below) {
  const std::uint32_t cold = open("users:cold", true);
  const std::uint32_t warm = open("users:warm", true);
  std::vector<Entry> users;
  for (std::uint64_t user = 0; user < dataset.user_counts().size(); ++user)
    users.emplace_back(user, std::int64_t{dataset.user_counts()[user]} < cold_below ? cold : warm);
  add(true, users.size(), users);

  const std::uint32_t head = open("items:head", false);
  static_cast<void>(open("items:torso", false));
  static_cast<void>(open("items:tail", false));
  const std::uint32_t cold_items = open("items:cold", false);
  const std::uint32_t warm_items = open("items:warm", false);
  const auto counts = dataset.item_counts();
  std::vector<std::uint32_t> order(counts.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, [&](auto a, auto b) { return counts[a] > counts[b]; });
  const auto total = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  std::uint64_t before = 0;
  std::vector<Entry> items;
  for (const std::uint32_t item : order) {
    const std::uint32_t third = 3 * before < total ? 0 : 3 * before < 2 * total ? 1 : 2;
    items.emplace_back(item, head + third);
    items.emplace_back(item, counts[item] == 0 ? cold_items : warm_items);
    before += counts[item];
  }
  std::ranges::sort(items);
  add(false, counts.size(), items);
}

void Segments::add_by(const ChosenAttribute& chosen) {
  const Attribute& attribute = chosen.attribute;
  const std::string prefix = chosen.full_name();
  const auto frequent = frequent_values(attribute, kMostValues);
  std::vector<std::uint32_t> segment_of(attribute.values.size());  // [code]
  std::vector<std::uint32_t> named;
  for (const std::uint32_t code : frequent)
    named.push_back(open(prefix + '=' + attribute.values[code], chosen.of_users));
  const bool others = frequent.size() < attribute.values.size();
  if (others) {
    const std::uint32_t rest = open(prefix + " (others)", chosen.of_users);
    std::ranges::fill(segment_of, rest);
  }
  for (std::size_t n = 0; n < frequent.size(); ++n) segment_of[frequent[n]] = named[n];
  std::uint32_t none = 0;
  if (attribute.known_rows() < attribute.rows()) none = open(prefix + " (none)", chosen.of_users);
  std::vector<Entry> entries;
  for (std::uint64_t row = 0; row < attribute.rows(); ++row) {
    for (const std::uint32_t code : attribute.codes_of(row))
      entries.emplace_back(row, segment_of[code]);
    if (!attribute.known(row)) entries.emplace_back(row, none);
  }
  std::ranges::sort(entries);
  entries.erase(std::unique(entries.begin(), entries.end()), entries.end());
  add(chosen.of_users, attribute.rows(), entries);
}

std::uint32_t Segments::open(std::string name, bool of_users) {
  segments_.push_back({std::move(name), of_users, 0});
  return static_cast<std::uint32_t>(segments_.size() - 1);
}

void Segments::add(bool of_users, std::uint64_t rows, const std::vector<Entry>& entries) {
  Members& members = of_users ? users_ : items_;
  Members merged;
  merged.begin.push_back(0);
  std::size_t n = 0;
  for (std::uint64_t row = 0; row < rows; ++row) {
    const auto before = members.of(row);
    merged.segments.insert(merged.segments.end(), before.begin(), before.end());
    for (; n < entries.size() && entries[n].first == row; ++n) {
      merged.segments.push_back(entries[n].second);
      ++segments_[entries[n].second].rows;
    }
    merged.begin.push_back(merged.segments.size());
  }
  members = std::move(merged);
}

std::vector<std::vector<std::uint32_t>> Segments::split(
    std::span<const std::uint32_t> items) const {
  std::vector<std::vector<std::uint32_t>> parts(size());
  for (const std::uint32_t item : items) {
    for (const std::uint32_t segment : items_.of(item)) parts[segment].push_back(item);
  }
  return parts;
}

}  // namespace factorps::apps

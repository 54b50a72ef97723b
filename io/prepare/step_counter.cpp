#include "io/prepare/step_counter.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "common/error.hpp"

namespace factorps {
namespace {

Extent extent_of(const Rows& rows, std::uint64_t users, std::uint64_t items) {
  std::vector<bool> user(users, false);
  std::vector<bool> item(items, false);
  for (std::size_t n = 0; n < rows.size(); ++n) {
    user[rows.users[n]] = true;
    item[rows.items[n]] = true;
  }
  const auto count = [](const std::vector<bool>& marks) {
    return static_cast<std::uint64_t>(std::count(marks.begin(), marks.end(), true));
  };
  return {rows.size(), count(user), count(item)};
}

}  // namespace

std::uint64_t training_rows(const GroupedRows& data) {
  return static_cast<std::uint64_t>(std::count(data.parts.begin(), data.parts.end(), Part::train));
}

StepCounter::StepCounter(const RawInteractions& data)
    : users_{data.user_ids.size()},
      items_{data.item_ids.size()},
      extent_{data.rows.size(), users_, items_},
      training_{{"read", data.source_rows}} {}

void StepCounter::count(const std::string& step, const Rows& rows, std::uint64_t training) {
  follow(step, training);
  const Extent after = extent_of(rows, users_, items_);
  steps_.push_back({step, extent_, after});
  extent_ = after;
}

void StepCounter::count_split(const std::string& step, std::uint64_t training) {
  follow(step, training);
}

void StepCounter::follow(const std::string& step, std::uint64_t training) {
  const std::uint64_t before = training_.back().second;
  training_.emplace_back(step, training);
  if (training > 0) return;
  std::string counts;
  for (const auto& [name, rows] : training_) {
    counts += fmt::format("{}{}: {}", counts.empty() ? "" : ", ", name, rows);
  }
  throw DataError{fmt::format(
      "no interaction is left to train on: {} took the last {} (interactions after each step: {})",
      step, before, counts)};
}

}  // namespace factorps

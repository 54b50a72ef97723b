#include "io/prepare/leaks.hpp"

#include <algorithm>

namespace factorps {
namespace {

void look_at_times(const GroupedRows& data, LeakReport& report) {
  const auto& times = data.rows.times;
  if (times.empty()) return;
  if (!report.test_from) {
    for (std::size_t n = 0; n < data.size(); ++n) {
      if (data.parts[n] != Part::test) continue;
      report.test_from = report.test_from ? std::min(*report.test_from, times[n]) : times[n];
    }
  }
  if (!report.test_from) return;
  report.train_rows_after = 0;
  for (std::size_t n = 0; n < data.size(); ++n) {
    if (data.parts[n] == Part::train && times[n] >= *report.test_from) ++*report.train_rows_after;
  }
}

}  // namespace

LeakReport find_leaks(const GroupedRows& data, std::optional<std::int64_t> time_cut) {
  LeakReport report;
  std::vector<bool> known_item(data.num_items, false);
  for (std::size_t n = 0; n < data.size(); ++n) {
    if (data.parts[n] == Part::train) known_item[data.rows.items[n]] = true;
  }
  std::vector<bool> counted_item(data.num_items, false);
  std::vector<std::uint64_t> trained_by(data.num_items, 0);  // last user with such a row, plus 1
  for (std::uint64_t user = 0; user < data.users(); ++user) {
    std::uint64_t train_rows = 0;
    std::uint64_t test_rows = 0;
    for (std::uint64_t n = data.begin[user]; n < data.begin[user + 1]; ++n) {
      if (data.parts[n] != Part::train) continue;
      trained_by[data.rows.items[n]] = user + 1;
      ++train_rows;
    }
    for (std::uint64_t n = data.begin[user]; n < data.begin[user + 1]; ++n) {
      if (data.parts[n] != Part::test) continue;
      const std::uint32_t item = data.rows.items[n];
      ++test_rows;
      report.pairs_in_train += trained_by[item] == user + 1;
      report.unknown_item_rows += !known_item[item];
      if (!known_item[item] && !counted_item[item]) {
        counted_item[item] = true;
        ++report.unknown_items;
      }
    }
    if (test_rows > 0 && train_rows == 0) {
      ++report.unknown_users;
      report.unknown_user_rows += test_rows;
    }
  }
  report.test_from = time_cut;
  look_at_times(data, report);
  return report;
}

}  // namespace factorps

/// Small tables of rows for tests of the steps of prepare.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "io/prepare/grouped.hpp"

namespace factorps::test {

/// Times below 0 mean that rows have none.
struct Row {
  std::uint32_t user;
  std::uint32_t item;
  float value = 1;
  std::int64_t time = -1;
};

inline Rows columns(const std::vector<Row>& rows) {
  Rows result;
  for (const Row& row : rows) {
    result.users.push_back(row.user);
    result.items.push_back(row.item);
    result.values.push_back(row.value);
    if (row.time >= 0) result.times.push_back(row.time);
  }
  return result;
}

/// Ten items, ten users. @param source_rows the rest is from data.test
inline GroupedRows grouped(const std::vector<Row>& rows, std::size_t source_rows = 99999) {
  return group_by_user(columns(rows), std::min(source_rows, rows.size()), 10, 10);
}

/// "user:item=value@time" of every row; V, T and F mark validation, test and fold-in.
inline std::string text_of(const GroupedRows& data) {
  std::string text;
  for (std::size_t n = 0; n < data.size(); ++n) {
    text += fmt::format("{}{}:{}={}", n == 0 ? "" : " ", data.rows.users[n], data.rows.items[n],
                        data.rows.values[n]);
    if (!data.rows.times.empty()) text += fmt::format("@{}", data.rows.times[n]);
    constexpr std::array kMarks{"", "V", "T", "F"};  // [Part]
    text += kMarks[static_cast<std::size_t>(data.parts[n])];
  }
  return text;
}

}  // namespace factorps::test

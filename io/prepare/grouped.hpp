/// Rows grouped by user: what cleaning and splitting work on.
#pragma once

#include <cstdint>
#include <vector>

#include "io/dataset.hpp"
#include "io/prepare/chunk.hpp"

namespace factorps {

/// Rows of user u are begin[u] .. begin[u + 1], those of data.source before those of data.test,
/// each in the order of the files. Users and items are dense ids.
struct GroupedRows {
  Rows rows;
  Column<Part> parts;                // [row]; before the split: train, or test for data.test
  std::vector<std::uint64_t> begin;  // [user], plus the end
  std::uint64_t num_items = 0;
  [[nodiscard]] std::uint64_t users() const noexcept { return begin.size() - 1; }
  [[nodiscard]] std::size_t size() const noexcept { return rows.size(); }
};

/// @param source_rows rows before the first of data.test
/// @param threads that move rows; they do not change the result
[[nodiscard]] GroupedRows group_by_user(Rows rows, std::uint64_t source_rows,
                                        std::uint64_t num_users, std::uint64_t num_items,
                                        std::uint32_t threads = 1);

/// Keeps the rows n for which keep(n) holds, in order.
template <class Keep>
void keep_rows(GroupedRows& data, Keep keep) {
  std::size_t kept = 0;
  std::size_t n = 0;
  for (std::uint64_t user = 0; user < data.users(); ++user) {
    const std::uint64_t end = data.begin[user + 1];
    data.begin[user] = kept;
    for (; n < end; ++n) {
      if (!keep(n)) continue;
      data.rows.users[kept] = data.rows.users[n];
      data.rows.items[kept] = data.rows.items[n];
      data.rows.values[kept] = data.rows.values[n];
      if (!data.rows.times.empty()) data.rows.times[kept] = data.rows.times[n];
      data.parts[kept++] = data.parts[n];
    }
  }
  data.begin.back() = kept;
  data.rows.users.resize(kept);
  data.rows.items.resize(kept);
  data.rows.values.resize(kept);
  if (!data.rows.times.empty()) data.rows.times.resize(kept);
  data.parts.resize(kept);
}

}  // namespace factorps

#include "io/prepare/grouped.hpp"

#include <algorithm>
#include <utility>

namespace factorps {
namespace {

/// Moves row n to place[n]; frees the old column.
template <class T>
void scatter(Column<T>& column, const Column<std::uint32_t>& users,
             const std::vector<std::uint64_t>& begin) {
  if (column.empty()) return;
  std::vector<std::uint64_t> next(begin.begin(), begin.end() - 1);
  Column<T> moved(column.size());
  for (std::size_t n = 0; n < column.size(); ++n) moved[next[users[n]]++] = column[n];
  column = std::move(moved);
}

}  // namespace

GroupedRows group_by_user(Rows rows, std::uint64_t source_rows, std::uint64_t num_users,
                          std::uint64_t num_items) {
  GroupedRows result;
  result.num_items = num_items;
  result.begin.assign(num_users + 1, 0);
  for (const std::uint32_t user : rows.users) ++result.begin[user + std::size_t{1}];
  for (std::uint64_t u = 0; u < num_users; ++u) result.begin[u + 1] += result.begin[u];
  result.parts.assign(rows.size(), Part::train);
  std::fill(result.parts.begin() + static_cast<std::ptrdiff_t>(source_rows), result.parts.end(),
            Part::test);
  if (!std::is_sorted(rows.users.begin(), rows.users.end())) {
    scatter(rows.items, rows.users, result.begin);
    scatter(rows.values, rows.users, result.begin);
    scatter(rows.times, rows.users, result.begin);
    scatter(result.parts, rows.users, result.begin);
    for (std::uint64_t u = 0; u < num_users; ++u) {
      std::fill(rows.users.begin() + static_cast<std::ptrdiff_t>(result.begin[u]),
                rows.users.begin() + static_cast<std::ptrdiff_t>(result.begin[u + 1]),
                static_cast<std::uint32_t>(u));
    }
  }
  result.rows = std::move(rows);
  return result;
}

}  // namespace factorps

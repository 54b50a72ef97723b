#include "io/prepare/grouped.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "common/parallel.hpp"

namespace factorps {
namespace {

/// Ranges of users, one for each thread. Every thread looks at all rows, but moves only those of
/// its own users, in order.
class UserRanges {
 public:
  UserRanges(const Column<std::uint32_t>& users, std::uint64_t num_users, std::uint32_t threads)
      : users_{users}, begin_(num_users + 1, 0) {
    for (std::uint32_t t = 0; t <= threads; ++t)
      bounds_.push_back(static_cast<std::uint32_t>(part_begin(num_users, t, threads)));
    for_each([&](std::size_t n) { ++begin_[users[n] + std::size_t{1}]; });
    std::partial_sum(begin_.begin(), begin_.end(), begin_.begin());
    for (std::uint32_t t = 1; t < threads; ++t) {  // now with about equal rows
      const std::uint64_t rows = part_begin(users.size(), t, threads);
      const auto cut = std::lower_bound(begin_.begin(), begin_.end() - 1, rows);
      bounds_[t] = static_cast<std::uint32_t>(cut - begin_.begin());
    }
  }

  /// Moves the rows of a column to their users; frees the old column.
  template <class T>
  void scatter(Column<T>& column) const {
    if (column.empty()) return;
    std::vector<std::uint64_t> next(begin_.begin(), begin_.end() - 1);
    Column<T> moved(column.size());
    for_each([&](std::size_t n) { moved[next[users_[n]]++] = column[n]; });
    column = std::move(moved);
  }
  [[nodiscard]] std::vector<std::uint64_t> release() { return std::move(begin_); }

 private:
  template <class Take>
  void for_each(const Take& take) const {
    const auto threads = static_cast<std::uint32_t>(bounds_.size() - 1);
    run_on_threads(threads, threads, [&](std::uint32_t t) {
      const std::uint32_t first = bounds_[t];
      const std::uint32_t count = bounds_[t + 1] - first;
      for (std::size_t n = 0; n < users_.size(); ++n) {
        if (users_[n] - first < count) take(n);
      }
    });
  }

  const Column<std::uint32_t>& users_;
  std::vector<std::uint32_t> bounds_;  // [thread] first user, plus the end
  std::vector<std::uint64_t> begin_;   // [user] first row, plus the end
};

/// Every user's number as often as the user has rows.
void fill_users(Column<std::uint32_t>& users, const std::vector<std::uint64_t>& begin) {
  for (std::uint64_t u = 0; u + 1 < begin.size(); ++u) {
    std::fill(users.begin() + static_cast<std::ptrdiff_t>(begin[u]),
              users.begin() + static_cast<std::ptrdiff_t>(begin[u + 1]),
              static_cast<std::uint32_t>(u));
  }
}

}  // namespace

GroupedRows group_by_user(Rows rows, std::uint64_t source_rows, std::uint64_t num_users,
                          std::uint64_t num_items, std::uint32_t threads) {
  GroupedRows result;
  result.num_items = num_items;
  result.parts.assign(rows.size(), Part::train);
  std::fill(result.parts.begin() + static_cast<std::ptrdiff_t>(source_rows), result.parts.end(),
            Part::test);
  UserRanges ranges{rows.users, num_users, threads};
  const bool grouped = std::is_sorted(rows.users.begin(), rows.users.end());
  if (!grouped) {
    ranges.scatter(rows.items);
    ranges.scatter(rows.values);
    ranges.scatter(rows.times);
    ranges.scatter(result.parts);
  }
  result.begin = ranges.release();
  if (!grouped) fill_users(rows.users, result.begin);
  result.rows = std::move(rows);
  return result;
}

}  // namespace factorps

/// Several ascending lists of rows with gradients, gone through as one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ps/rows/row_sections.hpp"

namespace factorps::ps {

/// What one list has to say of a row.
struct Contribution {
  RowValues kind = RowValues::narrow;
  const std::byte* values = nullptr;
};

/// Where a list has got to.
struct RowCursor {
  const std::uint64_t* row = nullptr;
  const std::uint64_t* end = nullptr;
  Contribution contribution;
  std::size_t bytes = 0;  ///< of the values of a row
};
/// @param range only rows of it
[[nodiscard]] RowCursor cursor_of(const RowSection& section, std::size_t width, RowRange range);

/// The sum over all contributions: the same bits in any order. @param sum [width]
void sum_contributions(std::span<const Contribution> contributions, std::span<double> sum);

/// Calls visit(row, contributions) for every row in any of the lists, ascending; before that
/// passed(cursor) for each list that has it and now stands behind it.
template <class Visit, class Passed>
void merge_rows(std::vector<RowCursor>& cursors, Visit&& visit, Passed&& passed) {
  std::vector<Contribution> contributions;
  std::erase_if(cursors, [](const RowCursor& c) { return c.row == c.end; });
  while (cursors.size() > 1) {
    std::uint64_t row = *cursors.front().row;
    for (const RowCursor& cursor : cursors) row = std::min(row, *cursor.row);
    contributions.clear();
    bool ended = false;
    for (RowCursor& cursor : cursors) {
      if (*cursor.row != row) continue;
      contributions.push_back(cursor.contribution);
      cursor.contribution.values += cursor.bytes;
      ended |= ++cursor.row == cursor.end;
      passed(cursor);
    }
    visit(row, std::span<const Contribution>{contributions});
    if (ended) std::erase_if(cursors, [](const RowCursor& c) { return c.row == c.end; });
  }
  if (cursors.empty()) return;
  for (RowCursor& last = cursors.front(); last.row != last.end;) {
    const std::uint64_t row = *last.row++;
    const Contribution only = last.contribution;
    last.contribution.values += last.bytes;
    passed(last);
    visit(row, std::span<const Contribution>{&only, 1});
  }
}
template <class Visit>
void merge_rows(std::vector<RowCursor>& cursors, Visit&& visit) {
  merge_rows(cursors, visit, [](const RowCursor&) {});
}

}  // namespace factorps::ps

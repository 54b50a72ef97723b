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

/// Where a list has got to: sections of one table and kind, whose rows ascend.
class RowCursor {
 public:
  /// @param sections must outlive the object @param range only rows of it
  RowCursor(std::span<const RowSection> sections, std::size_t width, RowRange range);

  [[nodiscard]] bool at_end() const noexcept { return row_ == end_; }
  [[nodiscard]] std::uint64_t row() const noexcept { return *row_; }
  [[nodiscard]] const Contribution& contribution() const noexcept { return contribution_; }
  void advance() {
    ++row_;
    contribution_.values += bytes_;
    if (row_ == end_) open_next();
  }
  /// A row that comes so many rows later, if it is in the same section.
  [[nodiscard]] const std::uint64_t* ahead(std::ptrdiff_t rows) const noexcept {
    return end_ - row_ > rows ? row_ + rows : nullptr;
  }

 private:
  void open_next();

  std::span<const RowSection> rest_;
  RowRange range_;
  std::size_t width_;
  const std::uint64_t* row_ = nullptr;
  const std::uint64_t* end_ = nullptr;
  Contribution contribution_;
  std::size_t bytes_ = 0;  // of the values of a row
};

/// The sum over all contributions: the same bits in any order. @param sum [width]
void sum_contributions(std::span<const Contribution> contributions, std::span<double> sum);

/// Calls visit(row, contributions) for every row in any of the lists, ascending; before that
/// passed(cursor) for each list that has it and now stands behind it.
template <class Visit, class Passed>
void merge_rows(std::vector<RowCursor>& cursors, Visit&& visit, Passed&& passed) {
  std::vector<Contribution> contributions;
  std::erase_if(cursors, [](const RowCursor& c) { return c.at_end(); });
  while (cursors.size() > 1) {
    std::uint64_t row = cursors.front().row();
    for (const RowCursor& cursor : cursors) row = std::min(row, cursor.row());
    contributions.clear();
    bool ended = false;
    for (RowCursor& cursor : cursors) {
      if (cursor.row() != row) continue;
      contributions.push_back(cursor.contribution());
      cursor.advance();
      ended |= cursor.at_end();
      passed(cursor);
    }
    visit(row, std::span<const Contribution>{contributions});
    if (ended) std::erase_if(cursors, [](const RowCursor& c) { return c.at_end(); });
  }
  if (cursors.empty()) return;
  for (RowCursor& last = cursors.front(); !last.at_end();) {
    const std::uint64_t row = last.row();
    const Contribution only = last.contribution();
    last.advance();
    passed(last);
    visit(row, std::span<const Contribution>{&only, 1});
  }
}
template <class Visit>
void merge_rows(std::vector<RowCursor>& cursors, Visit&& visit) {
  merge_rows(cursors, visit, [](const RowCursor&) {});
}

}  // namespace factorps::ps

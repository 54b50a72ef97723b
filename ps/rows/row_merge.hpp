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
  constexpr std::uint64_t kEnd = ~std::uint64_t{0};
  const auto row_of = [](const RowCursor& c) { return c.at_end() ? kEnd : c.row(); };
  std::vector<std::uint64_t> rows;  // where the lists have got to, side by side to be looked at
  for (const RowCursor& cursor : cursors) rows.push_back(row_of(cursor));
  std::vector<Contribution> contributions;
  const auto take = [&](std::size_t n) {
    contributions.push_back(cursors[n].contribution());
    cursors[n].advance();
    rows[n] = row_of(cursors[n]);
    passed(cursors[n]);
  };
  std::uint64_t row = rows.empty() ? kEnd : std::ranges::min(rows);
  while (row != kEnd) {
    std::size_t latest = 0;
    std::uint64_t next = kEnd;
    contributions.clear();
    for (std::size_t n = 0; n < rows.size(); ++n) {
      if (rows[n] == row) take(latest = n);
      next = std::min(next, rows[n]);
    }
    visit(row, std::span<const Contribution>{contributions});
    row = next;
    if (rows[latest] != row) continue;
    // Lists may lie apart: one is gone through alone as far as no other has anything to say.
    std::uint64_t others = kEnd;
    for (std::size_t n = 0; n < rows.size(); ++n)
      others = n == latest ? others : std::min(others, rows[n]);
    for (; row < others; row = rows[latest]) {
      contributions.clear();
      take(latest);
      visit(row, std::span<const Contribution>{contributions});
    }
    row = std::min(row, others);
  }
}
template <class Visit>
void merge_rows(std::vector<RowCursor>& cursors, Visit&& visit) {
  merge_rows(cursors, visit, [](const RowCursor&) {});
}

}  // namespace factorps::ps

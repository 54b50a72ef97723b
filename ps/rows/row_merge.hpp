/// Several ascending lists of rows with gradients, gone through as one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/sort_numbers.hpp"
#include "ps/rows/distinct_rows.hpp"
#include "ps/rows/row_sections.hpp"

namespace factorps::ps {

/// What one list has to say of a row.
struct Contribution {
  RowValues kind = RowValues::narrow;
  const std::byte* values = nullptr;
};

/// What lists have to say of the rows of one table. Its memory is used again.
class RowMerge {
 public:
  /// Forgets what was added. @param width of the table's rows
  void begin(std::size_t width) {
    width_ = width;
    places_.clear();
    contributions_.clear();
  }
  /// The rows of a range. @param section must stay until for_each() is done; rows below 2^32
  void add(const RowSection& section, RowRange range);

  /// Calls visit(row, contributions) for every row, ascending, with contributions in the order in
  /// which they were added; and coming(row) before, `ahead` contributions earlier.
  template <class Visit, class Coming>
  void for_each(std::size_t ahead, Visit&& visit, Coming&& coming);
  template <class Visit>
  void for_each(Visit&& visit) {
    for_each(0, visit, [](std::uint64_t) {});
  }

 private:
  std::size_t width_ = 0;
  std::vector<std::uint64_t> places_;  // PlacedRow: a row with the number of its contribution
  std::vector<Contribution> contributions_;
  std::vector<Contribution> of_row_;
};

/// The sum over all contributions: the same bits in any order. @param sum [width]
void sum_contributions(std::span<const Contribution> contributions, std::span<double> sum);

template <class Visit, class Coming>
void RowMerge::for_each(std::size_t ahead, Visit&& visit, Coming&& coming) {
  sort_numbers(places_);
  const std::size_t size = places_.size();
  for (std::size_t n = 0; n < size;) {
    const std::uint64_t row = PlacedRow::row(places_[n]);
    of_row_.clear();
    for (; n < size && PlacedRow::row(places_[n]) == row; ++n) {
      if (n + ahead < size) coming(PlacedRow::row(places_[n + ahead]));
      of_row_.push_back(contributions_[PlacedRow::place(places_[n])]);
    }
    visit(row, std::span<const Contribution>{of_row_});
  }
}

}  // namespace factorps::ps

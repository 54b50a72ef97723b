#include "worker/als_lists.hpp"

#include <algorithm>
#include <utility>

#include "common/error.hpp"

namespace factorps::worker {
namespace {

/// Lists the interactions of every row in the order of the cells.
/// @param for_all calls visit(row, row of the other table, value) for each of them, twice alike
/// @throws DataError if they are not as many as there is room for
template <class ForAll>
void fill(const ps::RowLists& lists, const NumberOf& number_of, ForAll&& for_all) {
  const std::span<std::uint64_t> next = lists.begin.subspan(1);
  std::ranges::fill(lists.begin, std::uint64_t{0});
  for_all([&](std::size_t row, std::uint64_t, float) { ++next[row]; });
  std::uint64_t sum = 0;
  for (std::uint64_t& count : next) sum += std::exchange(count, sum);
  if (sum != lists.others.size()) {
    throw DataError{
        "the runs of a cell are not as long as the cell; expected a dataset of prepare"};
  }
  // Each position moves on to where the next row begins.
  for_all([&](std::size_t row, std::uint64_t other, float value) {
    const std::uint64_t at = next[row]++;
    lists.others[at] = static_cast<std::uint32_t>(other);
    if (lists.numbers != nullptr) lists.numbers[at] = number_of(value);
  });
}

}  // namespace

void list_interactions(const Dataset& dataset, StripId strip, const NumberOf& number_of,
                       const ps::RowLists& lists) {
  const Grid& grid = dataset.grid();
  fill(lists, number_of, [&](auto&& visit) {
    for (std::uint32_t b = 0; b < grid.blocks(); ++b) {
      const std::uint64_t first = grid.items_of(BlockId{b}).begin;
      const CellView cell = dataset.cell(Part::train, strip, BlockId{b});
      for_each_interaction(cell, [&](std::uint32_t user, std::size_t n) {
        visit(user, first + cell.items[n], cell.value(n));
      });
    }
  });
}

void list_interactions(const Dataset& dataset, BlockId block, const NumberOf& number_of,
                       const ps::RowLists& lists) {
  const Grid& grid = dataset.grid();
  fill(lists, number_of, [&](auto&& visit) {
    for (std::uint32_t s = 0; s < grid.strips(); ++s) {
      const std::uint64_t first = grid.users_of(StripId{s}).begin;
      const CellView cell = dataset.cell(Part::train, StripId{s}, block);
      for_each_interaction(cell, [&](std::uint32_t user, std::size_t n) {
        visit(cell.items[n], first + user, cell.value(n));
      });
    }
  });
}

}  // namespace factorps::worker

#include "worker/als_work.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "common/error.hpp"
#include "worker/rank_users.hpp"

namespace factorps::worker {
namespace {

/// Calls visit(user of the strip, item of the block, value).
template <class Visit>
void for_each(const CellView& cell, Visit&& visit) {
  std::size_t n = 0;
  for (const Run& run : cell.runs) {
    for (const std::size_t end = n + run.count; n < end; ++n) {
      visit(run.user, cell.items[n], cell.value(n));
    }
  }
}

/// Lists the interactions of every row in the order of the cells.
/// @param for_all calls visit(row, row of the other table, value) for each of them, twice alike
/// @throws DataError if they are not as many as there is room for
template <class ForAll>
void fill(const ps::RowLists& lists, const Confidence& confidence, ForAll&& for_all) {
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
    if (lists.weights != nullptr) lists.weights[at] = confidence.weight(value);
  });
}

double known_rows(std::span<const std::uint32_t> counts) {
  return static_cast<double>(std::ranges::count_if(counts, [](auto n) { return n > 0; }));
}

}  // namespace

AlsWork::AlsWork(const ps::AlsTables& tables, const Dataset& dataset, AlsOptions options)
    : tables_{tables}, dataset_{dataset}, options_{options}, counter_{tables.counter()} {}

void AlsWork::begin(const comm::StartPass& pass) {
  pass_ = pass;
  counter_.begin(tables_.units(pass.kind));
  if (pass.kind == comm::PassKind::solve_items) {
    half_ = half(tables_.users(), tables_.gram_of_users(), dataset_.user_counts(), tables_.items(),
                 options_.l2_item);
  } else if (pass.kind == comm::PassKind::solve_users) {
    half_ = half(tables_.items(), tables_.gram_of_items(), dataset_.item_counts(), tables_.users(),
                 options_.l2_user);
  }
}

AlsWork::Half AlsWork::half(const float* fixed, const ps::GramSums& sums,
                            std::span<const std::uint32_t> counts, float* rows, double l2) {
  const std::size_t stride = sums.stride;
  if (gram_.size() == 0) gram_ = AlignedBuffer<float>{stride * stride};
  for (std::size_t i = 0; i < stride; ++i) {
    for (std::size_t j = 0; j < stride; ++j) {
      gram_.data()[i * stride + j] = static_cast<float>(options_.unobserved * sums.at(i, j));
    }
  }
  const std::size_t block = options_.block == 0 ? stride : std::min(options_.block, stride);
  return {rows, {fixed, gram_.data(), stride, block, options_.cg_steps}, l2, known_rows(counts)};
}

std::optional<Piece> AlsWork::try_piece() {
  const auto unit = counter_.take();
  if (!unit) return std::nullopt;
  const Grid& grid = dataset_.grid();
  Piece piece;
  switch (pass_.kind) {
    case comm::PassKind::index_rows:
      piece = index(*unit);
      break;
    case comm::PassKind::gram_users:
      piece = add_gram(*unit, tables_.gram_of_users(), tables_.users(), grid.users());
      break;
    case comm::PassKind::gram_items:
      piece = add_gram(*unit, tables_.gram_of_items(), tables_.items(), grid.items());
      break;
    case comm::PassKind::solve_users:
      piece = solve_users(*unit);
      break;
    case comm::PassKind::solve_items:
      piece = solve_items(*unit);
      break;
    case comm::PassKind::rank:
      piece = rank(*unit);
      break;
    default:
      throw ProtocolError{"worker: a pass that alternating least squares does not have"};
  }
  counter_.done();
  return piece;
}

Piece AlsWork::index(std::uint64_t unit) const {
  const Grid& grid = dataset_.grid();
  const ps::AlsShare& share = tables_.share();
  const std::uint32_t strips = share.strips.end - share.strips.begin;
  if (unit < strips) {
    const StripId strip{share.strips.begin + static_cast<std::uint32_t>(unit)};
    const ps::RowLists lists = tables_.lists(strip);
    fill(lists, options_.confidence, [&](auto&& visit) {
      for (std::uint32_t b = 0; b < grid.blocks(); ++b) {
        const std::uint64_t first = grid.items_of(BlockId{b}).begin;
        for_each(dataset_.cell(Part::train, strip, BlockId{b}),
                 [&](auto user, auto item, float x) { visit(user, first + item, x); });
      }
    });
    return {TraceKind::index_rows, strip.value(), 0, lists.others.size()};
  }
  const std::size_t n = unit - strips;
  const BlockId block = share.blocks[n];
  const ps::RowLists lists = tables_.lists_of_block(n);
  fill(lists, options_.confidence, [&](auto&& visit) {
    for (std::uint32_t s = 0; s < grid.strips(); ++s) {
      const std::uint64_t first = grid.users_of(StripId{s}).begin;
      for_each(dataset_.cell(Part::train, StripId{s}, block),
               [&](auto user, auto item, float x) { visit(item, first + user, x); });
    }
  });
  return {TraceKind::index_rows, 0, block.value(), lists.others.size()};
}

Piece AlsWork::add_gram(std::uint64_t unit, const ps::GramSums& sums, const float* rows,
                        std::uint64_t count) const {
  const auto part = static_cast<std::uint32_t>(unit % ps::kGramParts);
  std::size_t i = 0;
  std::size_t j = unit / ps::kGramParts;  // squares of row i of squares come before those of i + 1
  for (std::size_t left = sums.stride / sums.tile; j >= left; --left) {
    j -= left;
    ++i;
  }
  j += i;
  const RowRange range = ps::slice_of({0, count}, part, ps::kGramParts);
  std::vector<double> square(sums.tile * sums.tile);
  options_.kernels.add_gram(rows + range.begin * sums.stride, range.size(), sums.stride,
                            i * sums.tile, j * sums.tile, sums.tile, square.data());
  double* place = sums.parts.data() + part * sums.stride * sums.stride +
                  i * sums.tile * sums.stride + j * sums.tile;
  for (std::size_t r = 0; r < sums.tile; ++r) {
    std::copy_n(square.data() + r * sums.tile, sums.tile, place + r * sums.stride);
  }
  return {TraceKind::gram, 0, 0, 0};
}

Piece AlsWork::solve_users(std::uint64_t unit) {
  const Grid& grid = dataset_.grid();
  const StripId strip{tables_.share().strips.begin +
                      static_cast<std::uint32_t>(unit / grid.blocks())};
  const BlockId slice{static_cast<std::uint32_t>(unit % grid.blocks())};
  const RowRange users = grid.users_of(strip);
  const auto sums =
      solve(users, ps::slice_of(users, slice.value(), grid.blocks()), tables_.lists(strip));
  tables_.tables().sums(strip, slice) = sums;
  tables_.tables().progress(strip).fetch_add(1, std::memory_order_release);
  return {TraceKind::solve_rows, strip.value(), slice.value(), static_cast<std::uint64_t>(sums[0])};
}

Piece AlsWork::solve_items(std::uint64_t unit) {
  const Grid& grid = dataset_.grid();
  const std::size_t n = unit / grid.strips();
  const auto slice = static_cast<std::uint32_t>(unit % grid.strips());
  const BlockId block = tables_.share().blocks[n];
  const RowRange items = grid.items_of(block);
  const auto sums =
      solve(items, ps::slice_of(items, slice, grid.strips()), tables_.lists_of_block(n));
  tables_.tables().turns(block).fetch_add(1, std::memory_order_release);
  return {TraceKind::solve_rows, slice, block.value(), static_cast<std::uint64_t>(sums[0])};
}

/// @param table the strip or block that the lists are of
ps::CellSums AlsWork::solve(RowRange table, RowRange slice, const ps::RowLists& lists) {
  const std::size_t stride = half_.problem.stride;
  std::array<AlsTask, kAlsBatch> tasks;
  ps::CellSums sums{};
  for (std::uint64_t first = slice.begin; first < slice.end; first += kAlsBatch) {
    const std::size_t size = std::min<std::uint64_t>(kAlsBatch, slice.end - first);
    for (std::size_t t = 0; t < size; ++t) {
      const std::uint64_t row = first + t;
      AlsTask& task = tasks[t];
      task.others = lists.of(row - table.begin);
      task.weights =
          lists.weights == nullptr ? nullptr : lists.weights + lists.begin[row - table.begin];
      const double pairs =
          static_cast<double>(task.others.size()) + options_.unobserved * half_.others;
      task.l2 = static_cast<float>(half_.l2 * std::pow(pairs, options_.l2_exponent));
      task.row = half_.rows + row * stride;
      sums[0] += static_cast<double>(task.others.size());
    }
    sums[1] += options_.kernels.solve(half_.problem, std::span{tasks}.first(size), workspace_);
  }
  return sums;
}

Piece AlsWork::rank(std::uint64_t unit) const {
  const Grid& grid = dataset_.grid();
  const StripId strip{tables_.share().strips.begin +
                      static_cast<std::uint32_t>(unit / grid.blocks())};
  const BlockId slice{static_cast<std::uint32_t>(unit % grid.blocks())};
  const auto sums = rank_slice(tables_.tables(), dataset_, static_cast<Part>(pass_.part), strip,
                               slice, options_.rank_at);
  tables_.tables().sums(strip, slice) = sums;
  return {TraceKind::rank_users, strip.value(), slice.value(), static_cast<std::uint64_t>(sums[0])};
}

}  // namespace factorps::worker

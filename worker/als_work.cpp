#include "worker/als_work.hpp"

#include <algorithm>
#include <vector>

#include "common/error.hpp"
#include "worker/at_work.hpp"
#include "worker/rank_users.hpp"

namespace factorps::worker {

AlsWork::AlsWork(const ps::AlsTables& tables, const Dataset& dataset, AlsOptions options)
    : tables_{tables},
      dataset_{dataset},
      rows_{tables, dataset, options},
      counter_{tables.counter()} {}

void AlsWork::begin(const comm::StartPass& pass) {
  pass_ = pass;
  counter_.begin(tables_.units(pass.kind));
  if (pass.kind == comm::PassKind::solve_items) rows_.begin_items(tables_.users());
  if (pass.kind == comm::PassKind::solve_users) rows_.begin_users(tables_.items());
}

std::optional<Piece> AlsWork::try_piece() {
  const auto unit = counter_.take();
  if (!unit) return std::nullopt;
  const AtWork at_work{{Holding::Kind::rows, pass_.epoch, static_cast<std::uint32_t>(*unit), 0}};
  const Grid& grid = dataset_.grid();
  Piece piece;
  switch (pass_.kind) {
    case comm::PassKind::index_rows:
      piece = rows_.index(*unit);
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
    case comm::PassKind::evaluate:
      piece = evaluate(*unit);
      break;
    default:
      throw ProtocolError{"worker: a pass that alternating least squares does not have"};
  }
  counter_.done();
  return piece;
}

Piece AlsWork::add_gram(std::uint64_t unit, const ps::GramSums& sums, const float* rows,
                        std::uint64_t count) const {
  const auto part = static_cast<std::uint32_t>(unit % ps::kGramParts);
  const auto at = sums.tile_at(unit / ps::kGramParts);
  const RowRange range = ps::slice_of({0, count}, part, ps::kGramParts);
  std::vector<double> square(sums.tile * sums.tile);
  rows_.options().kernels.add_gram(rows + range.begin * sums.stride, range.size(), sums.stride,
                                   at.row * sums.tile, at.column * sums.tile, sums.tile,
                                   square.data());
  double* place = sums.parts.data() + part * sums.stride * sums.stride +
                  at.row * sums.tile * sums.stride + at.column * sums.tile;
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
      solve(tables_.tables().strip(strip),
            ps::slice_of({0, users.size()}, slice.value(), grid.blocks()), tables_.lists(strip));
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
      solve(tables_.tables().block(block), ps::slice_of({0, items.size()}, slice, grid.strips()),
            tables_.lists_of_block(n));
  tables_.tables().turns(block).fetch_add(1, std::memory_order_release);
  return {TraceKind::solve_rows, slice, block.value(), static_cast<std::uint64_t>(sums[0])};
}

/// @param rows of the strip or block that the lists are of
/// @param slice of them
ps::CellSums AlsWork::solve(const RowsView& rows, RowRange slice, const ps::RowLists& lists) {
  ps::CellSums sums{};
  sums[0] = static_cast<double>(lists.begin[slice.end] - lists.begin[slice.begin]);
  for (std::uint64_t first = slice.begin; first < slice.end; first += kAlsBatch) {
    sums[1] += rows_.solve(rows, {first, std::min(first + kAlsBatch, slice.end)}, lists);
  }
  return sums;
}

Piece AlsWork::rank(std::uint64_t unit) const {
  const Grid& grid = dataset_.grid();
  const StripId strip{tables_.share().strips.begin +
                      static_cast<std::uint32_t>(unit / grid.blocks())};
  const BlockId slice{static_cast<std::uint32_t>(unit % grid.blocks())};
  const auto sums = rank_slice(tables_.tables(), dataset_, static_cast<Part>(pass_.part), strip,
                               slice, rows_.options().rank_at);
  tables_.tables().sums(strip, slice) = sums;
  return {TraceKind::rank_users, strip.value(), slice.value(), static_cast<std::uint64_t>(sums[0])};
}

Piece AlsWork::evaluate(std::uint64_t unit) {
  const Grid& grid = dataset_.grid();
  const StripId strip{tables_.share().strips.begin +
                      static_cast<std::uint32_t>(unit / grid.blocks())};
  const BlockId block{static_cast<std::uint32_t>(unit % grid.blocks())};
  const ps::Tables& tables = tables_.tables();
  const auto sums = rows_.errors(static_cast<Part>(pass_.part), strip, block, tables.strip(strip),
                                 tables.block(block));
  tables.sums(strip, block) = sums;
  return {TraceKind::evaluate_cell, strip.value(), block.value(),
          static_cast<std::uint64_t>(sums[0])};
}

}  // namespace factorps::worker

#include "worker/streamed_als_work.hpp"

#include <algorithm>
#include <vector>

#include "common/check.hpp"
#include "common/error.hpp"
#include "worker/at_work.hpp"
#include "worker/ranked_strip.hpp"

namespace factorps::worker {

StreamedAlsWork::StreamedAlsWork(const ps::StreamNode& node, const Dataset& dataset,
                                 AlsOptions options, const ps::RankPlaces* places)
    : node_{node},
      dataset_{dataset},
      rows_{node.als(), dataset, options},
      places_{places},
      counter_{node.als().counter()} {}

void StreamedAlsWork::begin(const comm::StartPass& pass) {
  pass_ = pass;
  counter_.begin(node_.units(pass.kind));
  const float* all = node_.tables().factors();
  if (pass.kind == comm::PassKind::solve_items) rows_.begin_items(all);
  if (pass.kind == comm::PassKind::solve_users) rows_.begin_users(all);
}

std::optional<Piece> StreamedAlsWork::try_piece() {
  const auto unit = counter_.take(node_.open().load(std::memory_order_acquire));
  if (!unit) return std::nullopt;
  const AtWork at_work{{Holding::Kind::rows, pass_.epoch, static_cast<std::uint32_t>(*unit), 0}};
  const Piece piece = work_on(*unit);
  node_.done(*unit).store(pass_.pass + 1, std::memory_order_release);
  counter_.done();
  return piece;
}

Piece StreamedAlsWork::work_on(std::uint64_t unit) {
  switch (pass_.kind) {
    case comm::PassKind::index_rows:
      return rows_.index(unit);
    case comm::PassKind::gram_users:
      return add_gram(ps::Side::users, unit);
    case comm::PassKind::gram_items:
      return add_gram(ps::Side::items, unit);
    case comm::PassKind::solve_users:
      return solve_users(unit);
    case comm::PassKind::solve_items:
      return solve_items(unit);
    case comm::PassKind::evaluate:
    case comm::PassKind::rank_scores:
    case comm::PassKind::rank_counts:
      return look_at_block(unit);
    default:
      throw ProtocolError{"worker: a pass that streamed least squares does not have"};
  }
}

Piece StreamedAlsWork::solve_users(std::uint64_t n) {
  const ps::Batch batch = node_.batches(ps::Side::users).at(n);
  const StripId strip = node_.strip(batch.range);
  const ps::RowLists lists = node_.als().lists(strip);
  node_.loss(n) = rows_.solve(node_.tables().strip(strip), batch.rows, lists);
  return {TraceKind::solve_rows, strip.value(), batch.slice,
          lists.begin[batch.rows.end] - lists.begin[batch.rows.begin]};
}

Piece StreamedAlsWork::solve_items(std::uint64_t n) {
  const ps::Batch batch = node_.batches(ps::Side::items).at(n);
  const BlockId block = node_.als().share().blocks[batch.range];
  const ps::RowLists lists = node_.als().lists_of_block(batch.range);
  static_cast<void>(rows_.solve(node_.tables().block(block), batch.rows, lists));
  return {TraceKind::solve_rows, batch.slice, block.value(),
          lists.begin[batch.rows.end] - lists.begin[batch.rows.begin]};
}

/// Goes on with the sums of the piece before, which are those of the part's rows up to here.
Piece StreamedAlsWork::add_gram(ps::Side side, std::uint64_t unit) {
  const ps::GramPiece& piece = node_.gram_pieces(side)[unit / node_.tiles()];
  const ps::GramSums sums = node_.gram(side);
  const auto at = sums.tile_at(unit % node_.tiles());
  const std::uint64_t all =
      side == ps::Side::users ? dataset_.grid().users() : dataset_.grid().items();
  const bool first = piece.rows.begin == ps::slice_of({0, all}, piece.part, ps::kGramParts).begin;
  double* place = sums.parts.data() + piece.part * sums.stride * sums.stride +
                  at.row * sums.tile * sums.stride + at.column * sums.tile;
  std::vector<double> square(sums.tile * sums.tile);
  for (std::size_t r = 0; !first && r < sums.tile; ++r) {
    std::copy_n(place + r * sums.stride, sums.tile, square.data() + r * sums.tile);
  }
  for (std::uint64_t begin = piece.rows.begin; begin < piece.rows.end; begin += kGramRows) {
    const RowRange rows{begin, std::min(begin + kGramRows, piece.rows.end)};
    rows_.options().kernels.add_gram(rows_of(side, piece, rows), rows.size(), sums.stride,
                                     at.row * sums.tile, at.column * sums.tile, sums.tile,
                                     square.data());
  }
  for (std::size_t r = 0; r < sums.tile; ++r) {
    std::copy_n(square.data() + r * sums.tile, sums.tile, place + r * sums.stride);
  }
  return {TraceKind::gram, 0, 0, 0};
}

/// Own rows stand in the tables, others in the buffer. @return all of them together
const float* StreamedAlsWork::rows_of(ps::Side side, const ps::GramPiece& piece, RowRange rows) {
  const std::size_t stride = node_.tables().stride();
  const auto at = [&](std::uint64_t row) -> const float* {
    const ps::RowAddress address = node_.map().address(side, row);
    return address.node == node_.node() ? node_.row(address.at)
                                        : node_.buffer_row(piece.slot + row - piece.rows.begin);
  };
  const float* first = at(rows.begin);
  std::uint64_t row = rows.begin;
  while (row < rows.end && at(row) == first + (row - rows.begin) * stride) {
    row = node_.map().run(side, row).end;
  }
  if (row >= rows.end) return first;
  if (gathered_.size() == 0) gathered_ = AlignedBuffer<float>{kGramRows * stride};
  for (row = rows.begin; row < rows.end; ++row) {
    std::copy_n(at(row), stride, gathered_.data() + (row - rows.begin) * stride);
  }
  return gathered_.data();
}

Piece StreamedAlsWork::look_at_block(std::uint64_t unit) {
  const StripId strip = node_.strip(unit % node_.strips());
  const std::uint64_t n = unit / node_.strips();
  const BlockId block = node_.blocks()[n];
  const ps::Tables& tables = node_.tables();
  const auto part = static_cast<Part>(pass_.part);
  if (pass_.kind != comm::PassKind::evaluate) {
    rank(strip, block, n + 1 == node_.blocks().size());
    return {TraceKind::rank_users, strip.value(), block.value(),
            dataset_.cell(part, strip, block).size()};
  }
  const auto sums = rows_.errors(part, strip, block, tables.strip(strip), tables.block(block));
  tables.sums(strip, block) = sums;
  return {TraceKind::evaluate_cell, strip.value(), block.value(),
          static_cast<std::uint64_t>(sums[0])};
}

void StreamedAlsWork::rank(StripId strip, BlockId block, bool last) const {
  FACTORPS_CHECK(places_ != nullptr);
  RankedStrip ranked{node_.tables(), dataset_, static_cast<Part>(pass_.part), strip,
                     places_->of(strip)};
  if (pass_.kind == comm::PassKind::rank_scores) {
    ranked.note_scores(block);
    node_.tables().sums(strip, block) = {};
    return;
  }
  ranked.count_places(block);
  if (last) ranked.sum_up(rows_.options().rank_at);
}

}  // namespace factorps::worker

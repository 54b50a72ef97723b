#include "worker/cell_work.hpp"

#include <utility>

#include "common/check.hpp"
#include "common/error.hpp"
#include "common/random.hpp"
#include "eval/metrics.hpp"
#include "worker/at_work.hpp"
#include "worker/cell_errors.hpp"
#include "worker/rank_users.hpp"
#include "worker/ranked_strip.hpp"

namespace factorps::worker {

CellWork::CellWork(const ps::Tables& tables, const CellOrder& order, const Dataset& dataset,
                   std::vector<StripId> strips, CellOptions options, const ps::RankPlaces* places)
    : tables_{tables},
      order_{order},
      dataset_{dataset},
      leases_{tables, order, std::move(strips)},
      options_{options},
      places_{places} {}

void CellWork::begin(const comm::StartPass& pass) {
  pass_ = pass;
  leases_.begin(pass.pass);
}

std::optional<Piece> CellWork::try_piece() {
  const auto lease = leases_.try_acquire();
  if (!lease) return std::nullopt;
  const bool training = pass_.kind == comm::PassKind::train;
  const Part part = training ? Part::train : static_cast<Part>(pass_.part);
  const CellView cell = dataset_.cell(part, lease->strip, lease->block);
  const TraceKind kind = training                                 ? TraceKind::train_cell
                         : pass_.kind == comm::PassKind::evaluate ? TraceKind::evaluate_cell
                                                                  : TraceKind::rank_users;
  if (training && pass_.cut > 0 && tables_.has_copies()) {
    tables_.copy_for_cut(lease->strip, lease->block, pass_.cut);
  }
  const bool left_out =
      training && (lease->step < pass_.first_step || leases_.paused_before(*lease));
  if (!left_out) {
    const AtWork at_work{
        {Holding::Kind::cell, pass_.epoch, lease->strip.value(), lease->block.value()}};
    work_on(cell, *lease);
  }
  leases_.release(*lease);
  return Piece{kind, lease->strip.value(), lease->block.value(), left_out ? 0 : cell.size()};
}

void CellWork::work_on(const CellView& cell, const ps::Lease& lease) {
  ps::CellSums& sums = tables_.sums(lease.strip, lease.block);
  switch (pass_.kind) {
    case comm::PassKind::train:
      sums = options_.ranking ? train_to_rank(cell, lease) : train(cell, lease);
      return;
    case comm::PassKind::evaluate:
      sums = evaluate(cell, lease);
      return;
    case comm::PassKind::rank:
      sums = rank_slice(tables_, dataset_, static_cast<Part>(pass_.part), lease.strip, lease.block,
                        options_.rank_at);
      return;
    case comm::PassKind::rank_scores:
    case comm::PassKind::rank_counts:
      return rank_in_turn(lease);
    default:
      throw ProtocolError{"worker: a pass that the cells of the grid do not have"};
  }
}

void CellWork::rank_in_turn(const ps::Lease& lease) {
  FACTORPS_CHECK(places_ != nullptr);
  RankedStrip strip{tables_, dataset_, static_cast<Part>(pass_.part), lease.strip,
                    places_->of(lease.strip)};
  if (pass_.kind == comm::PassKind::rank_scores) {
    strip.note_scores(lease.block);
    tables_.sums(lease.strip, lease.block) = {};
    return;
  }
  strip.count_places(lease.block);
  if (lease.step == order_.last_step(lease.strip)) strip.sum_up(options_.rank_at);
}

ps::CellSums CellWork::train(const CellView& cell, const ps::Lease& lease) {
  SgdStep step = options_.step;
  step.rate *= pass_.learning_rate_factor;
  step.rate_bias *= pass_.learning_rate_factor;
  const double squared =
      options_.kernels.train(cell, tables_.strip(lease.strip), tables_.block(lease.block), step);
  return {static_cast<double>(cell.size()), squared};
}

/// The same users in all cells of an epoch.
CellView CellWork::without_dropped(const CellView& cell, StripId strip) {
  if (options_.ranking->user_dropout == 0) return cell;
  const RandomStream stream{options_.seed, Purpose::drop_users};
  const std::uint64_t first = dataset_.grid().users_of(strip).begin;
  runs_.clear();
  items_.clear();
  std::size_t n = 0;
  for (const Run& run : cell.runs) {
    const auto items = cell.items.subspan(n, run.count);
    n += run.count;
    if (stream.uniform(first + run.user, pass_.epoch) < options_.ranking->user_dropout) continue;
    runs_.push_back(run);
    items_.insert(items_.end(), items.begin(), items.end());
  }
  CellView kept;
  kept.runs = runs_;
  kept.items = items_;
  return kept;
}

ps::CellSums CellWork::train_to_rank(CellView cell, const ps::Lease& lease) {
  RankingStep step = options_.ranking->step;
  step.rate *= pass_.learning_rate_factor;
  const Grid& grid = dataset_.grid();
  const RowRange items = grid.items_of(lease.block);
  const auto counts = dataset_.item_counts().subspan(items.begin, items.size());
  cell = without_dropped(cell, lease.strip);
  if (cell.items.empty()) return {};
  const PopularItems candidates{counts, options_.ranking->popularity_exponent};
  const RandomStream seeds{options_.seed, Purpose::cell_seed};
  const std::uint64_t seed = seeds.bits(grid.cell_index(lease.strip, lease.block), pass_.epoch);
  const double loss = ranking_kernel(options_.kernels.set)(
      cell, tables_.strip(lease.strip), tables_.block(lease.block), candidates.candidates(), step,
      seed, workspace_);
  return {static_cast<double>(cell.size()), loss};
}

ps::CellSums CellWork::evaluate(const CellView& cell, const ps::Lease& lease) {
  predictions_.resize(cell.size());
  options_.kernels.predict(cell, tables_.strip(lease.strip), tables_.block(lease.block),
                           options_.step.mu, predictions_.data());
  return to_cell_sums(errors_of_cell(dataset_, cell, lease.strip, lease.block, predictions_));
}

}  // namespace factorps::worker

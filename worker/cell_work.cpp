#include "worker/cell_work.hpp"

#include <utility>

#include "eval/metrics.hpp"
#include "worker/cell_errors.hpp"

namespace factorps::worker {

CellWork::CellWork(const ps::Tables& tables, const CellOrder& order, const Dataset& dataset,
                   std::vector<StripId> strips, CellOptions options)
    : tables_{tables},
      dataset_{dataset},
      leases_{tables, order, std::move(strips)},
      options_{options} {}

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
  tables_.sums(lease->strip, lease->block) =
      training ? train(cell, *lease) : evaluate(cell, *lease);
  leases_.release(*lease);
  return Piece{training ? TraceKind::train_cell : TraceKind::evaluate_cell, lease->strip.value(),
               lease->block.value(), cell.size()};
}

ps::CellSums CellWork::train(const CellView& cell, const ps::Lease& lease) {
  SgdStep step = options_.step;
  step.rate *= pass_.learning_rate_factor;
  step.rate_bias *= pass_.learning_rate_factor;
  const double squared =
      options_.kernels.train(cell, tables_.strip(lease.strip), tables_.block(lease.block), step);
  return {static_cast<double>(cell.size()), squared};
}

ps::CellSums CellWork::evaluate(const CellView& cell, const ps::Lease& lease) {
  predictions_.resize(cell.size());
  options_.kernels.predict(cell, tables_.strip(lease.strip), tables_.block(lease.block),
                           options_.step.mu, predictions_.data());
  return to_cell_sums(errors_of_cell(dataset_, cell, lease.strip, lease.block, predictions_));
}

}  // namespace factorps::worker

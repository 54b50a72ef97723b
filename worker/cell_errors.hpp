/// The errors of a cell's predictions, in original units.
#pragma once

#include <span>

#include "eval/metrics.hpp"
#include "io/dataset.hpp"
#include "ps/tables.hpp"

namespace factorps::worker {

/// @param predictions in normalised units, cell.size()
[[nodiscard]] eval::ErrorSums errors_of_cell(const Dataset& dataset, const CellView& cell,
                                             StripId strip, BlockId block,
                                             std::span<const float> predictions);

/// The layout of ErrorSums in an evaluation pass's CellSums.
[[nodiscard]] ps::CellSums to_cell_sums(const eval::ErrorSums& sums);

}  // namespace factorps::worker

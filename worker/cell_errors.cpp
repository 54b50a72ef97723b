#include "worker/cell_errors.hpp"

namespace factorps::worker {

eval::ErrorSums errors_of_cell(const Dataset& dataset, const CellView& cell, StripId strip,
                               BlockId block, std::span<const float> predictions) {
  const std::uint64_t first_user = dataset.grid().users_of(strip).begin;
  const std::uint64_t first_item = dataset.grid().items_of(block).begin;
  const Normalisation& normalisation = dataset.normalisation();
  eval::ErrorSums sums;
  std::size_t n = 0;
  for (const Run& run : cell.runs) {
    const std::uint64_t user = first_user + run.user;
    const bool cold_user = dataset.user_counts()[user] == 0;
    for (const std::size_t end = n + run.count; n < end; ++n) {
      const std::uint64_t item = first_item + cell.items[n];
      sums.add(normalisation.invert(user, item, predictions[n]),
               normalisation.invert(user, item, cell.value(n)), dataset.value_min(),
               dataset.value_max(), eval::cold_kind(cold_user, dataset.item_counts()[item] == 0));
    }
  }
  return sums;
}

ps::CellSums to_cell_sums(const eval::ErrorSums& sums) {
  return {static_cast<double>(sums.count),
          sums.squared,
          sums.absolute,
          sums.squared_clipped,
          sums.absolute_clipped,
          static_cast<double>(sums.cold_users),
          static_cast<double>(sums.cold_items),
          static_cast<double>(sums.cold_both)};
}

}  // namespace factorps::worker

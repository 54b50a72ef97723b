/// Scores by a model of row mode, of rows that were pulled.
#pragma once

#include <cstdint>

#include "eval/scores.hpp"
#include "ps/rows/row_model.hpp"

namespace factorps::worker {

/// Of all items. A query's factors are the user's row where it lies among the pulled ones.
class RowScorer final : public eval::Scorer {
 public:
  /// @param part with all items
  /// References must outlive the object.
  RowScorer(ps::RowModel& model, const ps::TouchedTables& part) : model_{model}, part_{part} {}

  [[nodiscard]] std::size_t items() const override { return part_.tables[1].rows.size(); }
  /// Unlike other scorers for one thread only.
  void score(std::span<const eval::Query> queries, const eval::VisitScores& visit) const override;

 private:
  ps::RowModel& model_;
  const ps::TouchedTables& part_;
};

}  // namespace factorps::worker

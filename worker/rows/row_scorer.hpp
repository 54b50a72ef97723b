/// Scores by a model of row mode, of rows that were pulled.
#pragma once

#include <cstdint>

#include "eval/scores.hpp"
#include "ps/rows/row_model.hpp"

namespace factorps::worker {

/// Of all items. A query's factors are the user's row where it lies among the pulled ones.
class RowScorer final : public eval::Scorer {
 public:
  /// @param model which has been told of all items (RowModel::rank_items) @param users pulled
  /// References must outlive the object.
  RowScorer(ps::RowModel& model, const ps::RowExamples& examples, const ps::TouchedTables& users)
      : model_{model}, users_{users}, items_{model.tables()[1].rows()} {
    model.rank_users(examples, users);
  }

  [[nodiscard]] std::size_t items() const override { return items_; }
  /// Unlike other scorers for one thread only.
  void score(std::span<const eval::Query> queries, const eval::VisitScores& visit) const override;

 private:
  ps::RowModel& model_;
  const ps::TouchedTables& users_;
  std::size_t items_;
};

}  // namespace factorps::worker

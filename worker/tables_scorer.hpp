/// Scores by the factors of some blocks of a node's tables.
#pragma once

#include <vector>

#include "eval/scores.hpp"
#include "ps/tables.hpp"

namespace factorps::worker {

class TablesScorer final : public eval::Scorer {
 public:
  /// @param blocks neighbours that are all here, and that nobody changes meanwhile; tables must
  /// outlive the object
  TablesScorer(const ps::Tables& tables, ps::Share blocks);

  /// Of these blocks.
  [[nodiscard]] std::size_t items() const override { return bias_.size(); }
  void score(std::span<const eval::Query> queries, const eval::VisitScores& visit) const override;
  [[nodiscard]] bool score_some(const eval::Query& query, std::span<const std::uint32_t> items,
                                std::span<float> scores) const override;

 private:
  const ps::Tables& tables_;
  ps::Share blocks_;
  std::vector<float> bias_;  // [item]
};

}  // namespace factorps::worker

#include "worker/tables_scorer.hpp"

#include "model/kernels/score_kernel.hpp"

namespace factorps::worker {

TablesScorer::TablesScorer(const ps::Tables& tables, ps::Share blocks)
    : tables_{tables}, blocks_{blocks} {
  for (std::uint32_t b = blocks.begin; b < blocks.end; ++b) {
    const RowsView rows = tables.block(BlockId{b});
    for (std::uint64_t r = 0; r < rows.rows; ++r) bias_.push_back(rows.states[r].bias);
  }
}

void TablesScorer::score(std::span<const eval::Query> queries,
                         const eval::VisitScores& visit) const {
  std::size_t begin = 0;
  for (std::uint32_t b = blocks_.begin; b < blocks_.end; ++b) {
    const RowsView rows = tables_.block(BlockId{b});
    const eval::ItemTable items{rows.stride,
                                {rows.factors, rows.rows * rows.stride},
                                std::span{bias_}.subspan(begin, rows.rows),
                                {},
                                {}};
    eval::for_each_score(items, queries, [&](std::size_t q, std::size_t first, auto scores) {
      visit(q, begin + first, scores);
    });
    begin += rows.rows;
  }
}

bool TablesScorer::score_some(const eval::Query& query, std::span<const std::uint32_t> items,
                              std::span<float> scores) const {
  const Grid& grid = tables_.grid();
  const std::uint64_t first = grid.items_of(BlockId{blocks_.begin}).begin;
  std::vector<const float*> rows;
  for (std::size_t n = 0; n < items.size(); ++n) {
    const auto item = static_cast<std::uint32_t>(first + items[n]);
    const BlockId block = grid.block_of_item(item);
    const RowsView view = tables_.block(block);
    rows.push_back(view.factors + (item - grid.items_of(block).begin) * view.stride);
    scores[n] = query.base + bias_[items[n]];
  }
  score_kernels(best_kernels().set)
      .score_rows(query.factors.data(), rows.data(), rows.size(), query.factors.size(),
                  scores.data());
  return true;
}

}  // namespace factorps::worker

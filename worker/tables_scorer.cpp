#include "worker/tables_scorer.hpp"

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

}  // namespace factorps::worker

#include "worker/rows/row_scorer.hpp"

#include <algorithm>
#include <vector>

namespace factorps::worker {

void RowScorer::score(std::span<const eval::Query> queries, const eval::VisitScores& visit) const {
  constexpr std::size_t kItemsAtOnce = 1024;
  const std::size_t width = model_.tables()[0].width;
  std::vector<float> scores;
  for (std::size_t q = 0; q < queries.size(); ++q) {
    const auto at = queries[q].factors.data() - users_.tables[0].values.data();
    const auto user = static_cast<std::uint32_t>(static_cast<std::size_t>(at) / width);
    for (std::size_t first = 0; first < items(); first += kItemsAtOnce) {
      scores.resize(std::min(kItemsAtOnce, items() - first));
      model_.score_items(user, first, scores);
      visit(q, first, scores);
    }
  }
}

}  // namespace factorps::worker

#include "worker/rows/row_scorer.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

namespace factorps::worker {

void RowScorer::score(std::span<const eval::Query> queries, const eval::VisitScores& visit) const {
  constexpr std::size_t kItemsAtOnce = 1024;
  const std::size_t width = model_.tables()[0].width;
  ps::RowExamples examples;
  ps::RowIndex index;
  std::vector<float> scores;
  for (std::size_t q = 0; q < queries.size(); ++q) {
    const auto at = queries[q].factors.data() - part_.tables[0].values.data();
    const auto user = static_cast<std::uint32_t>(static_cast<std::size_t>(at) / width);
    for (std::size_t first = 0; first < items(); first += kItemsAtOnce) {
      const std::size_t count = std::min(kItemsAtOnce, items() - first);
      examples.users.assign(count, part_.tables[0].rows[user]);
      index.users.assign(count, user);
      index.items.resize(count);
      std::iota(index.items.begin(), index.items.end(), static_cast<std::uint32_t>(first));
      scores.resize(count);
      model_.score(examples, index, part_, scores);
      visit(q, first, scores);
    }
  }
}

}  // namespace factorps::worker

#include "eval/head_scorer.hpp"

#include <algorithm>
#include <vector>

namespace factorps::eval {

void HeadScorer::score(std::span<const Query> queries, const VisitScores& visit) const {
  constexpr std::size_t kItemsAtOnce = 1024;
  const std::vector<float> nobody(items_.dim);
  std::vector<float> scores;
  HeadWorkspace workspace;
  for (std::size_t q = 0; q < queries.size(); ++q) {
    const auto user = queries[q].factors.empty() ? nobody : queries[q].factors;
    for (std::size_t first = 0; first < items(); first += kItemsAtOnce) {
      scores.resize(std::min(kItemsAtOnce, items() - first));
      head_.score(user, items_.factors.subspan(first * items_.dim, scores.size() * items_.dim),
                  dense_, scores, workspace);
      for (std::size_t n = 0; n < scores.size(); ++n) {
        scores[n] += queries[q].base + items_.bias[first + n];
        if (items_.scale.empty()) continue;
        scores[n] = scores[n] * items_.scale[first + n] + items_.offset[first + n];
      }
      visit(q, first, scores);
    }
  }
}

}  // namespace factorps::eval

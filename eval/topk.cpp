#include "eval/topk.hpp"

#include <algorithm>

#include "model/kernels/score_kernel.hpp"

namespace factorps::eval {
namespace {

bool better(const ScoredItem& a, const ScoredItem& b) noexcept {
  return a.score > b.score || (a.score == b.score && a.item < b.item);
}

/// The k best of what was offered, in ascending order of items.
class Best {
 public:
  Best(const Query& query, std::size_t k) : query_{&query}, k_{k} {}

  void offer(std::size_t first, std::span<const float> scores) {
    static const auto next_above = score_kernels(best_kernels().set).next_above;
    for (std::size_t n = 0; n < scores.size(); ++n) {
      if (heap_.size() == k_) {
        // An item that only equals the worst one kept comes later in row order: it loses the tie.
        n = next_above(scores.data(), n, scores.size(), heap_.front().score);
        if (n == scores.size()) return;
      } else if (scores[n] != scores[n]) {
        continue;
      }
      const std::size_t item = first + n;
      if (!excluded(item)) insert({static_cast<std::uint32_t>(item), scores[n]});
    }
  }

  [[nodiscard]] std::vector<ScoredItem> take() && {
    std::ranges::sort_heap(heap_, better);
    return std::move(heap_);
  }

 private:
  bool excluded(std::size_t item) {
    const auto& rows = query_->excluded;
    while (next_ < rows.size() && rows[next_] < item) ++next_;
    return next_ < rows.size() && rows[next_] == item;
  }

  void insert(ScoredItem scored) {
    if (heap_.size() == k_) {
      std::ranges::pop_heap(heap_, better);
      heap_.pop_back();
    }
    heap_.push_back(scored);
    std::ranges::push_heap(heap_, better);
  }

  const Query* query_;
  std::size_t k_;
  std::size_t next_ = 0;          // position in excluded
  std::vector<ScoredItem> heap_;  // the worst one in front
};

/// @param score calls a VisitScores for every score of the queries
template <class Score>
std::vector<std::vector<ScoredItem>> best_of_all(std::span<const Query> queries, std::size_t k,
                                                 Score&& score) {
  std::vector<Best> best;
  for (const Query& query : queries) best.emplace_back(query, k);
  if (k > 0) {
    score([&](std::size_t q, std::size_t first, auto scores) { best[q].offer(first, scores); });
  }
  std::vector<std::vector<ScoredItem>> lists;
  for (Best& list : best) lists.push_back(std::move(list).take());
  return lists;
}

}  // namespace

std::vector<std::vector<ScoredItem>> top_k(const ItemTable& items, std::span<const Query> queries,
                                           std::size_t k) {
  return best_of_all(queries, k,
                     [&](const VisitScores& visit) { for_each_score(items, queries, visit); });
}

std::vector<std::vector<ScoredItem>> top_k(const Scorer& scorer, std::span<const Query> queries,
                                           std::size_t k) {
  return best_of_all(queries, k, [&](const VisitScores& visit) { scorer.score(queries, visit); });
}

std::vector<ScoredItem> best_of(std::span<const float> scores, std::size_t k) {
  const Query anybody;
  Best best{anybody, k};
  if (k > 0) best.offer(0, scores);
  return std::move(best).take();
}

}  // namespace factorps::eval

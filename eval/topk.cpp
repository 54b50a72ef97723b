#include "eval/topk.hpp"

#include <algorithm>
#include <array>

#include "model/kernels/score_kernel.hpp"

namespace factorps::eval {
namespace {

bool better(const ScoredItem& a, const ScoredItem& b) noexcept {
  return a.score > b.score || (a.score == b.score && a.item < b.item);
}

}  // namespace

void BestItems::offer(std::size_t first, std::span<const float> scores) {
  static const auto find_above = score_kernels(best_kernels().set).find_above;
  if (k_ == 0) return;
  std::size_t n = 0;
  for (; n < scores.size() && heap_.size() < k_; ++n) {
    if (scores[n] != scores[n]) continue;
    heap_.push_back({static_cast<std::uint32_t>(first + n), scores[n]});
    std::ranges::push_heap(heap_, better);
  }
  // An item that only equals the worst one kept comes later in row order: it loses the tie.
  std::array<std::uint32_t, kMostFound> positions;
  while (n < scores.size()) {
    const Found found =
        find_above(scores.data(), n, scores.size(), heap_.front().score, positions.data());
    for (const std::uint32_t at : std::span{positions}.first(found.count)) {
      if (scores[at] > heap_.front().score) {
        replace_worst({static_cast<std::uint32_t>(first + at), scores[at]});
      }
    }
    n = found.next;
  }
}

/// Half of the work of pop_heap() and push_heap().
void BestItems::replace_worst(ScoredItem scored) {
  std::size_t hole = 0;
  for (std::size_t child = 1; child < heap_.size(); child = 2 * hole + 1) {
    if (child + 1 < heap_.size() && better(heap_[child], heap_[child + 1])) ++child;
    if (!better(scored, heap_[child])) break;
    heap_[hole] = heap_[child];
    hole = child;
  }
  heap_[hole] = scored;
}

std::vector<ScoredItem> BestItems::take() && {
  std::ranges::sort_heap(heap_, better);
  return std::move(heap_);
}

namespace {

/// @param score calls a VisitScores for every score of the queries
template <class Score>
std::vector<std::vector<ScoredItem>> best_of_all(std::span<const Query> queries, std::size_t k,
                                                 Score&& score) {
  std::vector<BestItems> best(queries.size(), BestItems{k});
  std::vector<Excluder> excluders;
  for (const Query& query : queries) excluders.emplace_back(query.excluded);
  if (k > 0) {
    score([&](std::size_t q, std::size_t first, std::span<float> scores) {
      excluders[q].apply(first, scores);
      best[q].offer(first, scores);
    });
  }
  std::vector<std::vector<ScoredItem>> lists;
  for (BestItems& list : best) lists.push_back(std::move(list).take());
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
  BestItems best{k};
  best.offer(0, scores);
  return std::move(best).take();
}

}  // namespace factorps::eval

#include "eval/topk.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "common/aligned_buffer.hpp"
#include "model/kernels/sift_kernel.hpp"

namespace factorps::eval {
namespace {

constexpr float kLowest = -std::numeric_limits<float>::infinity();

/// Without branches: nobody foretells the outcome.
constexpr auto better = [](const ScoredItem& a, const ScoredItem& b) noexcept {
  return static_cast<bool>(int{a.score > b.score} |
                           (int{a.score == b.score} & int{a.item < b.item}));
};

/// A score that at least k of the scores reach: k maxima of groups do. @return lowest, if unknown
float reached_by(std::size_t k, std::span<const float> scores) {
  constexpr std::size_t kMost = kSiftBlock / 4;  // groups; longer lists fill up with what comes
  std::array<float, kMost> maxima;
  const std::size_t groups = round_up(2 * k, kRowMultiple);
  if (4 * groups > scores.size() || groups > kMost) return kLowest;
  std::fill_n(maxima.begin(), groups, kLowest);
  for (std::size_t n = 0; n + groups <= scores.size(); n += groups) {
    const float* some = scores.data() + n;
    for (std::size_t g = 0; g < groups; ++g) maxima[g] = some[g] > maxima[g] ? some[g] : maxima[g];
  }
  const auto kth = maxima.begin() + static_cast<std::ptrdiff_t>(k - 1);
  std::nth_element(maxima.begin(), kth, maxima.begin() + static_cast<std::ptrdiff_t>(groups),
                   std::greater{});
  return *kth;
}

}  // namespace

void BestItems::offer(std::size_t first, std::span<const float> scores) {
  static const auto sift = sift_kernels(best_kernels().set).sift;
  std::array<std::uint32_t, kSiftBlock + kRowMultiple> positions;
  while (!scores.empty() && k_ > 0) {
    const auto some = scores.first(std::min(kSiftBlock, scores.size()));
    std::size_t taken = 0;
    float limit = kLowest;
    if (!full()) limit = std::nextafter(reached_by(k_, some), kLowest);
    if (limit == kLowest) {
      for (; taken < some.size() && !full(); ++taken) {
        if (some[taken] == some[taken])
          add({static_cast<std::uint32_t>(first + taken), some[taken]});
      }
      if (full()) limit = best_.front().score;
    }
    const auto rest = some.subspan(taken);
    const Sifted sifted = sift(rest.data(), rest.size(), 0, nullptr, limit, positions.data());
    offer_some(first + taken, rest, std::span{positions}.first(sifted.found));
    first += some.size();
    scores = scores.subspan(some.size());
  }
}

// An item that only equals the worst one kept comes later in row order: it loses the tie.
void BestItems::offer_some(std::size_t first, std::span<const float> scores,
                           std::span<const std::uint32_t> positions) {
  for (const std::uint32_t at : positions) {
    const ScoredItem scored{static_cast<std::uint32_t>(first + at), scores[at]};
    if (!full()) {
      add(scored);
    } else if (scored.score > best_.front().score) {
      replace_worst(scored);
    }
  }
}

void BestItems::add(ScoredItem scored) {
  if (best_.empty()) best_.reserve(std::min(k_, kSiftBlock));
  best_.push_back(scored);
  if (full()) std::ranges::make_heap(best_, better);
}

/// Half of the work of pop_heap() and push_heap().
void BestItems::replace_worst(ScoredItem scored) {
  std::size_t hole = 0;
  for (std::size_t child = 1; child < best_.size(); child = 2 * hole + 1) {
    if (child + 1 < best_.size()) child += better(best_[child], best_[child + 1]) ? 1U : 0U;
    if (!better(scored, best_[child])) break;
    best_[hole] = best_[child];
    hole = child;
  }
  best_[hole] = scored;
}

std::vector<ScoredItem> BestItems::take() && {
  std::ranges::sort(best_, better);
  return std::move(best_);
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

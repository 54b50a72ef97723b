#include "eval/full_ranking.hpp"

#include <algorithm>
#include <functional>
#include <limits>

namespace factorps::eval {
namespace {

constexpr float kLowest = -std::numeric_limits<float>::infinity();
constexpr float kNotThere = std::numeric_limits<float>::quiet_NaN();  // equals and exceeds nothing

/// @param scores of all candidates, kNotThere for other items
/// @param wanted the scores of the relevant candidates
FullRanking rank(std::span<const float> scores, std::vector<float> wanted,
                 std::uint64_t candidates) {
  std::ranges::sort(wanted, std::greater{});
  FullRanking ranking;
  ranking.candidates = candidates;
  for (std::size_t n = 0; n < wanted.size();) {
    const float score = wanted[n];
    TieGroup group;
    for (; n < wanted.size() && wanted[n] == score; ++n) ++group.relevant;
    std::uint32_t above = 0;  // items are numbered with 32 bits
    std::uint32_t equal = 0;
    for (const float other : scores) {
      above += other > score ? 1U : 0U;
      equal += other == score ? 1U : 0U;
    }
    group.above = above;
    group.size = equal;
    ranking.groups.push_back(group);
  }
  return ranking;
}

}  // namespace

std::vector<FullRanking> rank_relevant(const ItemTable& items, std::span<const Query> queries,
                                       std::span<const std::span<const std::uint32_t>> relevant) {
  const std::size_t total = items.bias.size();
  std::vector<float> all(queries.size() * total);
  const auto scores_of = [&](std::size_t q) { return std::span{all}.subspan(q * total, total); };
  for_each_score(items, queries, [&](std::size_t q, std::size_t first, auto scores) {
    std::ranges::transform(scores, scores_of(q).subspan(first).begin(),
                           [](float score) { return score == score ? score : kLowest; });
  });
  std::vector<FullRanking> rankings;
  for (std::size_t q = 0; q < queries.size(); ++q) {
    const auto scores = scores_of(q);
    for (const std::uint32_t item : queries[q].excluded) scores[item] = kNotThere;
    std::vector<float> wanted;
    for (const std::uint32_t item : relevant[q]) {
      if (scores[item] == scores[item]) wanted.push_back(scores[item]);
    }
    rankings.push_back(rank(scores, std::move(wanted), total - queries[q].excluded.size()));
  }
  return rankings;
}

}  // namespace factorps::eval

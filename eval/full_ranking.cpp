#include "eval/full_ranking.hpp"

#include <algorithm>
#include <functional>

#include "model/kernels/score_kernel.hpp"

namespace factorps::eval {
namespace {

constexpr float kLowest = -std::numeric_limits<float>::infinity();

/// Without the number of relevant ones.
TieGroup group_of(float score, std::span<const float> scores) {
  static const auto places = score_kernels(best_kernels().set).places;
  const Places found = places(scores.data(), scores.size(), score);
  return {found.above, found.equal, 0};
}

}  // namespace

std::span<float> candidate_scores(const Scorer& scorer, std::span<const Query> queries,
                                  std::vector<float>& memory) {
  const std::size_t total = scorer.items();
  if (memory.size() < queries.size() * total) memory.resize(queries.size() * total);
  const auto all = std::span{memory}.first(queries.size() * total);
  scorer.score(queries, [&](std::size_t q, std::size_t first, auto scores) {
    std::ranges::transform(scores, all.begin() + static_cast<std::ptrdiff_t>(q * total + first),
                           [](float score) { return score == score ? score : kLowest; });
  });
  for (std::size_t q = 0; q < queries.size(); ++q) {
    for (const std::uint32_t item : queries[q].excluded) all[q * total + item] = kNoCandidate;
  }
  return all;
}

FullRanking rank_relevant(std::span<const float> scores, std::span<const std::uint32_t> relevant) {
  FullRanking ranking;
  for (const float score : scores) ranking.candidates += score == score ? 1U : 0U;
  std::vector<float> wanted;
  for (const std::uint32_t item : relevant) {
    if (scores[item] == scores[item]) wanted.push_back(scores[item]);
  }
  std::ranges::sort(wanted, std::greater{});
  for (std::size_t n = 0; n < wanted.size();) {
    TieGroup group = group_of(wanted[n], scores);
    for (const float score = wanted[n]; n < wanted.size() && wanted[n] == score; ++n) {
      ++group.relevant;
    }
    ranking.groups.push_back(group);
  }
  return ranking;
}

}  // namespace factorps::eval

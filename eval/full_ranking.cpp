#include "eval/full_ranking.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

namespace factorps::eval {
namespace {

constexpr float kLowest = -std::numeric_limits<float>::infinity();

/// Finds the places of some items among scores that pass by.
class PlaceFinder {
 public:
  /// @param relevant with their scores, no NaN
  explicit PlaceFinder(std::vector<ItemPlace> relevant) : relevant_{std::move(relevant)} {
    std::ranges::sort(relevant_, {}, &ItemPlace::score);
    for (const ItemPlace& one : relevant_) scores_.push_back(one.score);
    places_.resize(scores_.size());
  }
  void pass(std::span<const float> scores) {
    static const auto add_places = score_kernels(best_kernels().set).add_places;
    if (scores_.empty()) return;
    add_places(scores.data(), scores.size(), scores_.data(), scores_.size(), places_.data());
  }
  [[nodiscard]] std::vector<ItemPlace> take() && {
    for (std::size_t n = 0; n < places_.size(); ++n) relevant_[n].places = places_[n];
    std::ranges::reverse(relevant_);
    return std::move(relevant_);
  }

 private:
  std::vector<ItemPlace> relevant_;  // by ascending score
  std::vector<float> scores_;        // theirs
  std::vector<Places> places_;
};

/// One query of rank_users(), while its scores pass by.
struct Pass {
  Pass(const Query& query, std::vector<ItemPlace> relevant, std::size_t k)
      : excluder{query.excluded}, places{std::move(relevant)}, best{k} {}
  void visit(std::size_t first, std::span<float> scores) {
    excluder.apply(first, scores);
    places.pass(scores);
    best.offer(first, scores);
  }
  Excluder excluder;
  PlaceFinder places;
  BestItems best;
};

std::vector<std::uint32_t> without(std::span<const std::uint32_t> items,
                                   std::span<const std::uint32_t> excluded) {
  std::vector<std::uint32_t> rest;
  std::ranges::set_difference(items, excluded, std::back_inserter(rest));
  return rest;
}

UserRanking rank_whole(const Scorer& scorer, const Query& query,
                       std::span<const std::uint32_t> relevant, std::size_t k,
                       std::vector<float>& memory) {
  return rank_user(candidate_scores(scorer, {&query, 1}, memory), relevant, k);
}

/// What passed by; again from all scores where not all of them are numbers that can be compared.
UserRanking ranking_of(Pass&& pass, const Scorer& scorer, const Query& query,
                       std::span<const std::uint32_t> relevant, std::size_t k,
                       std::vector<float>& memory) {
  UserRanking ranking{std::move(pass.places).take(), scorer.items() - query.excluded.size(),
                      std::move(pass.best).take()};
  const bool lists = ranking.best.size() == std::min<std::uint64_t>(k, ranking.candidates);
  const bool lowest = !ranking.relevant.empty() && ranking.relevant.back().score == kLowest;
  if (lists && !lowest) return ranking;
  return rank_whole(scorer, query, relevant, k, memory);
}

FullRanking groups_if(const UserRanking& ranking, const auto& counts) {
  FullRanking full{{}, ranking.candidates};
  const auto& all = ranking.relevant;
  for (std::size_t n = 0; n < all.size();) {
    TieGroup group{all[n].places.above, all[n].places.equal, 0};
    for (const float score = all[n].score; n < all.size() && all[n].score == score; ++n) {
      if (counts(all[n].item)) ++group.relevant;
    }
    if (group.relevant > 0) full.groups.push_back(group);
  }
  return full;
}

}  // namespace

FullRanking UserRanking::groups() const {
  return groups_if(*this, [](std::uint32_t) { return true; });
}

FullRanking UserRanking::groups_of(std::span<const std::uint32_t> items) const {
  return groups_if(*this,
                   [items](std::uint32_t item) { return std::ranges::binary_search(items, item); });
}

std::vector<UserRanking> rank_users(const Scorer& scorer, std::span<const Query> queries,
                                    std::span<const std::span<const std::uint32_t>> relevant,
                                    std::size_t k, std::vector<float>& memory) {
  std::vector<Pass> passes;
  std::vector<float> scores;
  for (std::size_t q = 0; q < queries.size(); ++q) {
    const auto wanted = without(relevant[q], queries[q].excluded);
    scores.resize(wanted.size());
    if (!scorer.score_some(queries[q], wanted, scores)) break;
    std::vector<ItemPlace> places;
    for (std::size_t n = 0; n < wanted.size(); ++n) {
      places.push_back({wanted[n], scores[n] == scores[n] ? scores[n] : kLowest, {}});
    }
    passes.emplace_back(queries[q], std::move(places), k);
  }
  std::vector<UserRanking> rankings;
  if (passes.size() < queries.size()) {
    const std::size_t items = scorer.items();
    const auto all = candidate_scores(scorer, queries, memory);
    for (std::size_t q = 0; q < queries.size(); ++q) {
      rankings.push_back(rank_user(all.subspan(q * items, items), relevant[q], k));
    }
    return rankings;
  }
  scorer.score(queries,
               [&](std::size_t q, std::size_t first, auto some) { passes[q].visit(first, some); });
  for (std::size_t q = 0; q < queries.size(); ++q) {
    rankings.push_back(
        ranking_of(std::move(passes[q]), scorer, queries[q], relevant[q], k, memory));
  }
  return rankings;
}

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

UserRanking rank_user(std::span<const float> scores, std::span<const std::uint32_t> relevant,
                      std::size_t k) {
  UserRanking ranking;
  for (const float score : scores) ranking.candidates += score == score ? 1U : 0U;
  std::vector<ItemPlace> wanted;
  for (const std::uint32_t item : relevant) {
    if (scores[item] == scores[item]) wanted.push_back({item, scores[item], {}});
  }
  PlaceFinder places{std::move(wanted)};
  places.pass(scores);
  ranking.relevant = std::move(places).take();
  ranking.best = best_of(scores, k);
  return ranking;
}

}  // namespace factorps::eval

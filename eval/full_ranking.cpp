#include "eval/full_ranking.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <utility>

namespace factorps::eval {
namespace {

constexpr float kLowest = -std::numeric_limits<float>::infinity();

/// Finds the places of some items among scores that pass by.
class PlaceFinder {
 public:
  /// Scores that are kept until their number is worth the work, and then a block.
  static constexpr std::size_t kMemory = 2 * kSiftBlock + kRowMultiple;

  /// @param relevant with their scores, no NaN @param memory kMemory floats, for keep()
  explicit PlaceFinder(std::vector<ItemPlace> relevant, float* memory = nullptr)
      : relevant_{std::move(relevant)}, kept_{memory} {
    std::ranges::sort(relevant_, {}, &ItemPlace::score);
    scores_.reserve(relevant_.size());
    for (const ItemPlace& one : relevant_) scores_.push_back(one.score);
    places_.resize(scores_.size());
  }
  void pass(std::span<const float> scores) {
    sift_kernels().add_places(scores.data(), scores.size(), scores_.data(), scores_.size(),
                              places_.data());
  }
  [[nodiscard]] bool none() const { return scores_.empty(); }
  /// Scores from here on have to be kept.
  [[nodiscard]] float least() const { return scores_.front(); }
  [[nodiscard]] float* room() const { return kept_ + num_kept_; }
  /// @param count scores were put there, of up to kSiftBlock that passed by
  void keep(std::size_t count) {
    num_kept_ += count;
    if (num_kept_ > kSiftBlock) count_places();
  }
  [[nodiscard]] std::vector<ItemPlace> take() && {
    count_places();
    for (std::size_t n = 0; n < places_.size(); ++n) relevant_[n].places = places_[n];
    std::ranges::reverse(relevant_);
    return std::move(relevant_);
  }

 private:
  void count_places() {
    sift_kernels().count_places(kept_, num_kept_, scores_.data(), scores_.size(), places_.data());
    num_kept_ = 0;
  }

  std::vector<ItemPlace> relevant_;  // by ascending score
  std::vector<float> scores_;        // theirs
  std::vector<Places> places_;
  float* kept_;
  std::size_t num_kept_ = 0;
};

/// One query of rank_users(), while its scores pass by.
class Pass {
 public:
  /// @param memory PlaceFinder::kMemory floats
  Pass(std::span<const std::uint32_t> excluded, std::vector<ItemPlace> relevant, std::size_t k,
       float* memory)
      : excluder_{excluded}, places_{std::move(relevant), memory}, best_{k} {}

  void visit(std::size_t first, std::span<float> scores) {
    excluder_.apply(first, scores);
    for (std::size_t n = 0; n < scores.size(); n += kSiftBlock) {
      sift(first + n, scores.subspan(n, std::min(kSiftBlock, scores.size() - n)));
    }
  }
  [[nodiscard]] UserRanking take(std::uint64_t candidates) && {
    return {std::move(places_).take(), candidates, std::move(best_).take()};
  }

 private:
  /// One look for both.
  void sift(std::size_t first, std::span<const float> scores) {
    std::array<std::uint32_t, kSiftBlock + kRowMultiple> positions;
    const bool full = best_.full();
    const float limit = full ? best_.limit() : std::numeric_limits<float>::infinity();
    const bool wanted = !places_.none();
    const Sifted sifted = sift_(scores.data(), scores.size(), wanted ? places_.least() : limit,
                                wanted ? places_.room() : nullptr, limit, positions.data());
    places_.keep(sifted.kept);
    if (full) {
      best_.offer_some(first, scores, std::span{positions}.first(sifted.found));
    } else {
      best_.offer(first, scores);
    }
  }

  decltype(SiftKernels::sift) sift_ = sift_kernels().sift;
  Excluder excluder_;
  PlaceFinder places_;
  BestItems best_;
};

std::vector<std::uint32_t> without(std::span<const std::uint32_t> items,
                                   std::span<const std::uint32_t> excluded) {
  std::vector<std::uint32_t> rest;
  rest.reserve(items.size());
  std::ranges::set_difference(items, excluded, std::back_inserter(rest));
  return rest;
}

UserRanking rank_whole(const Scorer& scorer, const Query& query,
                       std::span<const std::uint32_t> relevant, std::size_t k,
                       std::vector<float>& memory) {
  return rank_user(candidate_scores(scorer, {&query, 1}, memory), relevant, k);
}

/// Whether all scores were numbers that can be compared.
bool complete(const UserRanking& ranking, std::size_t k) {
  const bool lists = ranking.best.size() == std::min<std::uint64_t>(k, ranking.candidates);
  const bool lowest = !ranking.relevant.empty() && ranking.relevant.back().score == kLowest;
  return lists && !lowest;
}

/// @return fewer than there are queries where the scorer has no single scores
std::vector<Pass> passes_of(const Scorer& scorer, std::span<const Query> queries,
                            std::span<const std::span<const std::uint32_t>> relevant, std::size_t k,
                            std::vector<float>& memory) {
  const std::size_t needed = queries.size() * PlaceFinder::kMemory;
  if (memory.size() < needed) memory.resize(needed);
  std::vector<Pass> passes;
  passes.reserve(queries.size());
  std::vector<float> scores;
  for (std::size_t q = 0; q < queries.size(); ++q) {
    const auto wanted = without(relevant[q], queries[q].excluded);
    scores.resize(wanted.size());
    if (!scorer.score_some(queries[q], wanted, scores)) break;
    std::vector<ItemPlace> places;
    places.reserve(wanted.size());
    for (std::size_t n = 0; n < wanted.size(); ++n) {
      places.push_back({wanted[n], scores[n] == scores[n] ? scores[n] : kLowest, {}});
    }
    passes.emplace_back(queries[q].excluded, std::move(places), k,
                        memory.data() + q * PlaceFinder::kMemory);
  }
  return passes;
}

FullRanking groups_if(const UserRanking& ranking, const auto& counts) {
  FullRanking full{{}, ranking.candidates};
  const auto& all = ranking.relevant;
  full.groups.reserve(all.size());
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
  std::vector<UserRanking> rankings;
  rankings.reserve(queries.size());
  std::vector<Pass> passes = passes_of(scorer, queries, relevant, k, memory);
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
    rankings.push_back(std::move(passes[q]).take(scorer.items() - queries[q].excluded.size()));
  }
  for (std::size_t q = 0; q < queries.size(); ++q) {
    if (complete(rankings[q], k)) continue;
    rankings[q] = rank_whole(scorer, queries[q], relevant[q], k, memory);
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

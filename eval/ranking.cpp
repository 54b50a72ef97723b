#include "eval/ranking.hpp"

#include <algorithm>
#include <cmath>

namespace factorps::eval {
namespace {

double discount(std::uint64_t place) { return 1 / std::log2(static_cast<double>(place) + 1); }

/// A group in which only the order that the ties allow is left.
TieGroup resolved(const TieGroup& group, Ties ties) {
  if (ties == Ties::expected) return group;
  return {group.above + group.size - group.relevant, group.relevant, group.relevant};
}

std::uint64_t relevant_of(std::span<const TieGroup> groups) {
  std::uint64_t relevant = 0;
  for (const TieGroup& group : groups) relevant += group.relevant;
  return relevant;
}

/// Goes down the places 1 ... k through the groups; places of candidates that are not relevant for
/// certain add nothing.
class Places {
 public:
  explicit Places(std::uint64_t k) : k_{k} {}

  void add(const TieGroup& group) {
    const auto size = static_cast<double>(group.size);
    const auto relevant = static_cast<double>(group.relevant);
    const double share = relevant / size;  // chance that a place of the group has a hit
    const std::uint64_t end = std::min(group.above + group.size, k_);
    for (std::uint64_t above = group.above; above < end; ++above) {
      const auto passed = static_cast<double>(above - group.above);  // places of the group
      const auto place = static_cast<double>(above + 1);
      hits += share;
      gain += share * discount(above + 1);
      // Of the other relevant ones of the group each stands before this place with the same chance.
      const double before = group.size == 1 ? 0 : (relevant - 1) * passed / (size - 1);
      precisions += share * (hits_above_ + 1 + before) / place;
      // No hit so far, in this group and the ones above; then one here.
      const double here = none * relevant / (size - passed);
      first += here / place;
      none = std::max(0.0, none - here);
    }
    hits_above_ += relevant;
  }

  // Expectations over the places so far.
  double hits = 0;
  double gain = 0;        ///< discounted
  double precisions = 0;  ///< at each hit, added up
  double first = 0;       ///< 1 / place of the first hit
  double none = 1;        ///< chance that there is no hit

 private:
  std::uint64_t k_;
  double hits_above_ = 0;
};

}  // namespace

RankingAtK ranking_at(std::uint64_t k, std::span<const TieGroup> groups, std::uint64_t candidates,
                      Ties ties) {
  RankingAtK result;
  const std::uint64_t relevant = relevant_of(groups);
  if (relevant == 0) return result;
  Places places{k};
  for (const TieGroup& group : groups) places.add(resolved(group, ties));
  const auto r = static_cast<double>(relevant);
  const auto length = static_cast<double>(k);
  const auto capped = static_cast<double>(std::min(k, relevant));
  const auto listed = static_cast<double>(std::min(k, candidates));
  double best = 0;
  for (std::uint64_t place = 1; place <= std::min(k, relevant); ++place) best += discount(place);
  result.precision = places.hits / length;
  result.recall = places.hits / r;
  result.recall_capped = places.hits / capped;
  result.f1 = 2 * places.hits / (length + r);
  // Wrong: places without a hit, and relevant candidates beyond them.
  const double wrong = listed - places.hits + r - places.hits;
  result.accuracy = 1 - wrong / static_cast<double>(candidates);
  result.hit_rate = 1 - places.none;
  result.ndcg = places.gain / best;
  result.average_precision = places.precisions / capped;
  result.reciprocal_rank = places.first;
  return result;
}

double area_under_curve(std::span<const TieGroup> groups, std::uint64_t candidates, Ties ties) {
  const std::uint64_t relevant = relevant_of(groups);
  const std::uint64_t others = candidates - relevant;
  if (relevant == 0 || others == 0) return 0.5;
  double wins = 0;
  std::uint64_t relevant_above = 0;
  for (const TieGroup& group : groups) {
    const std::uint64_t others_above = group.above - relevant_above;
    const std::uint64_t tied = group.size - group.relevant;
    const double half = ties == Ties::expected ? 0.5 * static_cast<double>(tied) : 0;
    const auto below = static_cast<double>(others - others_above - tied);
    wins += static_cast<double>(group.relevant) * (below + half);
    relevant_above += group.relevant;
  }
  return wins / (static_cast<double>(relevant) * static_cast<double>(others));
}

}  // namespace factorps::eval

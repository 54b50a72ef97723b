/// Ranking metrics of one user, exact also where scores are equal.
///
/// Candidates of equal score have no order. By default a metric is its expectation when each such
/// group is shuffled: constant scores give what a random order gives. Candidates are all items that
/// the protocol lets in; relevant ones are those of the test set among them.
#pragma once

#include <cstdint>
#include <span>

namespace factorps::eval {

/// Candidates of equal score of which at least one is relevant.
struct TieGroup {
  std::uint64_t above = 0;     ///< candidates with higher scores
  std::uint64_t size = 0;      ///< candidates with this score, at least 1
  std::uint64_t relevant = 0;  ///< of these, at least 1
};

enum class Ties : std::uint8_t {
  expected,     ///< every order of a group is as likely as any other
  pessimistic,  ///< relevant candidates come last in their group
};

/// Of the first K places of one user's ranking. R is the number of relevant candidates.
struct RankingAtK {
  double precision = 0;      ///< hits / K
  double recall = 0;         ///< hits / R
  double recall_capped = 0;  ///< hits / min(K, R)
  double f1 = 0;             ///< 2 hits / (K + R)
  double accuracy = 0;       ///< candidates on the right side of place K / candidates
  double hit_rate = 0;       ///< whether there is a hit
  double ndcg = 0;           ///< gain 1, discount 1 / log2(place + 1), against the best order
  double average_precision =
      0;                       ///< sum over hits of (hits so far / place) / min(K, R); MAP per user
  double reciprocal_rank = 0;  ///< 1 / place of the first hit
};

/// @param groups by ascending `above`; all that hold relevant candidates
/// @param candidates in all
/// @param k at least 1; places beyond the last candidate are empty
[[nodiscard]] RankingAtK ranking_at(std::uint64_t k, std::span<const TieGroup> groups,
                                    std::uint64_t candidates, Ties ties = Ties::expected);

/// Probability that a relevant candidate stands above another one, ties counted half (pessimistic:
/// not at all). 0.5 if there is no other one.
[[nodiscard]] double area_under_curve(std::span<const TieGroup> groups, std::uint64_t candidates,
                                      Ties ties = Ties::expected);

}  // namespace factorps::eval

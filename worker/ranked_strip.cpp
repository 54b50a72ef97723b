#include "worker/ranked_strip.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "eval/full_ranking.hpp"
#include "model/kernels/sift_kernel.hpp"
#include "worker/rank_users.hpp"
#include "worker/tables_scorer.hpp"

namespace factorps::worker {
namespace {

using Offsets = std::span<const std::uint16_t>;  // of item rows in a block, ascending

/// A cell, user by user.
class RunsInOrder {
 public:
  explicit RunsInOrder(const CellView& cell) : cell_{cell} {}
  /// Of each user at most once. @param user those asked for ascend
  [[nodiscard]] Offsets items_of(std::uint32_t user) {
    for (; run_ < cell_.runs.size() && cell_.runs[run_].user < user; ++run_) {
      begin_ += cell_.runs[run_].count;
    }
    if (run_ == cell_.runs.size() || cell_.runs[run_].user != user) return {};
    return cell_.items.subspan(begin_, cell_.runs[run_].count);
  }

 private:
  CellView cell_;
  std::size_t run_ = 0;
  std::size_t begin_ = 0;  // its first interaction
};

/// Items of a block that users know.
class KnownItems {
 public:
  KnownItems(const Dataset& dataset, Part part, StripId strip, BlockId block)
      : trained_{dataset.cell(Part::train, strip, block)},
        validated_{part == Part::test ? dataset.cell(Part::validation, strip, block) : CellView{}} {
  }
  /// @param user those asked for ascend
  void find(std::uint32_t user, std::vector<std::uint32_t>& items) {
    items.clear();
    std::ranges::set_union(trained_.items_of(user), validated_.items_of(user),
                           std::back_inserter(items));
  }

 private:
  RunsInOrder trained_;
  RunsInOrder validated_;
};

/// As eval::UserRanking::groups(), of what was noted and counted. None of kRankingMetrics asks how
/// many candidates there are; without those that a user knows they would have to be counted.
/// @param candidates at least as many
eval::FullRanking ranking_of(std::span<const std::size_t> pairs,
                             std::span<const ps::RankPlace> places, std::uint64_t candidates) {
  std::vector<ps::RankPlace> found;
  for (const std::size_t pair : pairs) {
    if (!std::isnan(places[pair].score)) found.push_back(places[pair]);
  }
  std::ranges::sort(found, std::ranges::greater{}, &ps::RankPlace::score);
  eval::FullRanking ranking;
  ranking.candidates = candidates;
  for (std::size_t n = 0; n < found.size();) {
    eval::TieGroup group{found[n].above, found[n].equal, 0};
    for (const float score = found[n].score; n < found.size() && found[n].score == score; ++n) {
      ++group.relevant;
    }
    ranking.groups.push_back(group);
  }
  return ranking;
}

}  // namespace

RankedStrip::RankedStrip(const ps::Tables& tables, const Dataset& dataset, Part part, StripId strip,
                         std::span<ps::RankPlace> places)
    : tables_{tables}, dataset_{dataset}, part_{part}, strip_{strip}, places_{places} {}

/// In the dataset the cells of a strip lie one behind the other.
std::size_t RankedStrip::first_pair(BlockId block) const {
  return static_cast<std::size_t>(dataset_.cell(part_, strip_, block).items.data() -
                                  dataset_.cell(part_, strip_, BlockId{0}).items.data());
}

RankedStrip::Wanted RankedStrip::wanted_in(ps::Share blocks) const {
  std::vector<std::pair<std::uint32_t, std::size_t>> found;
  for (std::uint32_t b = blocks.begin; b < blocks.end; ++b) {
    const std::size_t first = first_pair(BlockId{b});
    for_each_interaction(
        dataset_.cell(part_, strip_, BlockId{b}),
        [&](std::uint32_t user, std::size_t n) { found.emplace_back(user, first + n); });
  }
  std::ranges::sort(found);
  Wanted wanted;
  for (const auto& [user, pair] : found) {
    if (wanted.users.empty() || wanted.users.back() != user) {
      wanted.users.push_back(user);
      wanted.begin.push_back(wanted.pairs.size());
    }
    wanted.pairs.push_back(pair);
  }
  wanted.begin.push_back(wanted.pairs.size());
  return wanted;
}

template <class Visit>
void RankedStrip::score(BlockId block, const Wanted& wanted, Visit&& visit) const {
  const TablesScorer scorer{tables_, {block.value(), block.value() + 1}};
  const RowsView rows = tables_.strip(strip_);
  KnownItems known{dataset_, part_, strip_, block};
  std::vector<std::vector<std::uint32_t>> excluded(eval::kQueryBlock);
  std::vector<eval::Query> queries;
  std::vector<float> memory;
  for (std::size_t first = 0; first < wanted.users.size(); first += eval::kQueryBlock) {
    queries.assign(std::min(eval::kQueryBlock, wanted.users.size() - first), {});
    for (std::size_t q = 0; q < queries.size(); ++q) {
      const std::uint32_t user = wanted.users[first + q];
      known.find(user, excluded[q]);
      queries[q].factors = {rows.factors + user * rows.stride, rows.stride};
      queries[q].excluded = excluded[q];
    }
    const std::span<const float> scores = eval::candidate_scores(scorer, queries, memory);
    for (std::size_t q = 0; q < queries.size(); ++q) {
      visit(first + q, scores.subspan(q * scorer.items(), scorer.items()));
    }
  }
}

/// An item that a user has twice is noted once.
void RankedStrip::note_scores(BlockId block) {
  const auto items = dataset_.cell(part_, strip_, block).items;
  const std::size_t first = first_pair(block);
  const Wanted wanted = wanted_in({block.value(), block.value() + 1});
  score(block, wanted, [&](std::size_t n, std::span<const float> scores) {
    const auto pairs = wanted.pairs_of(n);
    for (const std::size_t pair : pairs) {
      const std::uint16_t item = items[pair - first];
      const bool again = pair != pairs.front() && items[pair - first - 1] == item;
      places_[pair] = {again ? eval::kNoCandidate : scores[item], 0, 0};
    }
  });
}

void RankedStrip::count_places(BlockId block) {
  const Wanted wanted = wanted_in({0, tables_.grid().blocks()});
  std::vector<std::size_t> pairs;  // of a user, by ascending score
  std::vector<float> known;        // their scores
  std::vector<Places> found;
  score(block, wanted, [&](std::size_t n, std::span<const float> scores) {
    pairs.clear();
    known.clear();
    for (const std::size_t pair : wanted.pairs_of(n)) {
      if (!std::isnan(places_[pair].score)) pairs.push_back(pair);
    }
    if (pairs.empty()) return;
    std::ranges::sort(pairs, {}, [&](std::size_t pair) { return places_[pair].score; });
    for (const std::size_t pair : pairs) known.push_back(places_[pair].score);
    found.assign(pairs.size(), {});
    sift_kernels().add_places(scores.data(), scores.size(), known.data(), known.size(),
                              found.data());
    for (std::size_t p = 0; p < pairs.size(); ++p) {
      places_[pairs[p]].above += found[p].above;
      places_[pairs[p]].equal += found[p].equal;
    }
  });
}

void RankedStrip::sum_up(std::uint64_t k) const {
  const Grid& grid = tables_.grid();
  const Wanted wanted = wanted_in({0, grid.blocks()});
  std::size_t n = 0;
  for (std::uint32_t b = 0; b < grid.blocks(); ++b) {
    const RowRange users = ps::slice_of({0, grid.users_of(strip_).size()}, b, grid.blocks());
    ps::CellSums sums{};
    for (; n < wanted.users.size() && wanted.users[n] < users.end; ++n) {
      add_ranking(ranking_of(wanted.pairs_of(n), places_, grid.items()), k, sums);
    }
    tables_.sums(strip_, BlockId{b}) = sums;
  }
}

}  // namespace factorps::worker

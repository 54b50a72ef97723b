#include "worker/rank_users.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include "eval/ranking_metrics.hpp"
#include "worker/tables_scorer.hpp"

namespace factorps::worker {
namespace {

using Items = std::vector<std::vector<std::uint32_t>>;  // [user of the range] item rows

void collect(const Dataset& dataset, Part part, StripId strip, RowRange users, Items& items) {
  const Grid& grid = dataset.grid();
  const std::uint64_t first_user = grid.users_of(strip).begin;
  for (std::uint32_t b = 0; b < grid.blocks(); ++b) {
    const CellView cell = dataset.cell(part, strip, BlockId{b});
    const std::uint64_t first_item = grid.items_of(BlockId{b}).begin;
    for_each_interaction(cell, [&](std::uint32_t offset, std::size_t n) {
      const std::uint64_t user = first_user + offset;
      if (user < users.begin || user >= users.end) return;
      items[user - users.begin].push_back(static_cast<std::uint32_t>(first_item + cell.items[n]));
    });
  }
}

void collect_times(const Dataset& dataset, Part part, StripId strip, UsersToRank& rank) {
  rank.times.assign(rank.users.size(), std::numeric_limits<std::int64_t>::max());
  const std::uint64_t first_user = dataset.grid().users_of(strip).begin;
  for (std::uint32_t b = 0; b < dataset.grid().blocks(); ++b) {
    const auto times = dataset.times(part, strip, BlockId{b});
    for_each_interaction(dataset.cell(part, strip, BlockId{b}),
                         [&](std::uint32_t offset, std::size_t n) {
                           const std::uint64_t user = first_user + offset;
                           if (user < rank.users.begin || user >= rank.users.end) return;
                           std::int64_t& earliest = rank.times[user - rank.users.begin];
                           earliest = std::min(earliest, times[n]);
                         });
  }
}

void sort_unique(std::vector<std::uint32_t>& items) {
  std::ranges::sort(items);
  items.erase(std::unique(items.begin(), items.end()), items.end());
}

}  // namespace

void add_ranking(const eval::FullRanking& ranking, std::uint64_t k, ps::CellSums& sums) {
  if (ranking.groups.empty()) return;  // everything to find was known before
  const auto at = eval::ranking_at(k, ranking.groups, ranking.candidates);
  sums[0] += 1;
  for (std::size_t m = 0; m < kRankingMetrics.size(); ++m) {
    sums[1 + m] += at.*eval::kRankingValues[m];
  }
}

UsersToRank users_to_rank(const Dataset& dataset, Part part, StripId strip, BlockId slice) {
  const Grid& grid = dataset.grid();
  UsersToRank rank{ps::slice_of(grid.users_of(strip), slice.value(), grid.blocks()), {}, {}, {}};
  rank.wanted.resize(rank.users.size());
  rank.known.resize(rank.users.size());
  collect(dataset, part, strip, rank.users, rank.wanted);
  collect(dataset, Part::train, strip, rank.users, rank.known);
  if (dataset.has_times()) collect_times(dataset, part, strip, rank);
  if (part == Part::test) collect(dataset, Part::validation, strip, rank.users, rank.known);
  std::ranges::for_each(rank.wanted, sort_unique);
  std::ranges::for_each(rank.known, sort_unique);
  return rank;
}

ps::CellSums rank_users(const UsersToRank& slice, const eval::Scorer& scorer,
                        const std::function<std::span<const float>(std::uint64_t user)>& factors_of,
                        std::uint64_t k) {
  ps::CellSums sums{};
  std::vector<eval::Query> queries;
  std::vector<std::span<const std::uint32_t>> relevant;
  std::vector<float> memory;
  const auto flush = [&] {
    for (const auto& user : eval::rank_users(scorer, queries, relevant, 0, memory)) {
      add_ranking(user.groups(), k, sums);
    }
    queries.clear();
    relevant.clear();
  };
  for (std::uint64_t user = slice.users.begin; user < slice.users.end; ++user) {
    const std::size_t n = user - slice.users.begin;
    if (slice.wanted[n].empty()) continue;
    eval::Query query;
    query.factors = factors_of(user);
    query.excluded = slice.known[n];
    queries.push_back(query);
    relevant.emplace_back(slice.wanted[n]);
    if (queries.size() == eval::kQueryBlock) flush();
  }
  flush();
  return sums;
}

ps::CellSums rank_slice(const ps::Tables& tables, const Dataset& dataset, Part part, StripId strip,
                        BlockId slice, std::uint64_t k) {
  const Grid& grid = dataset.grid();
  const std::uint64_t first = grid.users_of(strip).begin;
  const RowsView rows = tables.strip(strip);
  const auto factors_of = [&](std::uint64_t user) {
    return std::span<const float>{rows.factors + (user - first) * rows.stride, rows.stride};
  };
  return rank_users(users_to_rank(dataset, part, strip, slice),
                    TablesScorer{tables, {0, grid.blocks()}}, factors_of, k);
}

}  // namespace factorps::worker

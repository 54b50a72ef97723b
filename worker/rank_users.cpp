#include "worker/rank_users.hpp"

#include <algorithm>
#include <vector>

#include "eval/full_ranking.hpp"
#include "eval/ranking_metrics.hpp"

namespace factorps::worker {
namespace {

using Items = std::vector<std::vector<std::uint32_t>>;  // [user of the range] item rows

void collect(const Dataset& dataset, Part part, StripId strip, RowRange users, Items& items) {
  const Grid& grid = dataset.grid();
  const std::uint64_t first_user = grid.users_of(strip).begin;
  for (std::uint32_t b = 0; b < grid.blocks(); ++b) {
    const CellView cell = dataset.cell(part, strip, BlockId{b});
    const std::uint64_t first_item = grid.items_of(BlockId{b}).begin;
    std::size_t n = 0;
    for (const Run& run : cell.runs) {
      const std::uint64_t user = first_user + run.user;
      for (const std::size_t end = n + run.count; n < end; ++n) {
        if (user < users.begin || user >= users.end) continue;
        items[user - users.begin].push_back(static_cast<std::uint32_t>(first_item + cell.items[n]));
      }
    }
  }
}

void sort_unique(std::vector<std::uint32_t>& items) {
  std::ranges::sort(items);
  items.erase(std::unique(items.begin(), items.end()), items.end());
}

void add(const eval::FullRanking& ranking, std::uint64_t k, ps::CellSums& sums) {
  if (ranking.groups.empty()) return;  // everything to find was known before
  const auto at = eval::ranking_at(k, ranking.groups, ranking.candidates);
  sums[0] += 1;
  for (std::size_t m = 0; m < kRankingMetrics.size(); ++m) {
    sums[1 + m] += at.*eval::kRankingValues[m];
  }
}

}  // namespace

ps::CellSums rank_users(const ps::AlsTables& tables, const Dataset& dataset, Part part,
                        StripId strip, RowRange users, std::uint64_t k) {
  Items wanted(users.size());
  collect(dataset, part, strip, users, wanted);
  Items known(users.size());
  const ps::RowLists lists = tables.lists(strip);
  const std::uint64_t first = dataset.grid().users_of(strip).begin;
  for (std::uint64_t user = users.begin; user < users.end; ++user) {
    const auto items = lists.of(user - first);
    known[user - users.begin].assign(items.begin(), items.end());
  }
  if (part == Part::test) collect(dataset, Part::validation, strip, users, known);
  std::ranges::for_each(wanted, sort_unique);
  std::ranges::for_each(known, sort_unique);

  const std::size_t stride = round_up(tables.tables().dim(), kRowMultiple);
  const std::uint64_t items = dataset.grid().items();
  const std::vector<float> no_bias(items);
  const eval::ItemTable table{stride, {tables.items(), items * stride}, no_bias, {}, {}};
  ps::CellSums sums{};
  std::vector<eval::Query> queries;
  std::vector<std::span<const std::uint32_t>> relevant;
  const auto flush = [&] {
    const auto scores = eval::candidate_scores(eval::FactorScorer{table}, queries);
    for (std::size_t q = 0; q < queries.size(); ++q) {
      add(eval::rank_relevant(std::span{scores}.subspan(q * items, items), relevant[q]), k, sums);
    }
    queries.clear();
    relevant.clear();
  };
  for (std::uint64_t user = users.begin; user < users.end; ++user) {
    if (wanted[user - users.begin].empty()) continue;
    eval::Query query;
    query.factors = {tables.users() + user * stride, stride};
    query.excluded = known[user - users.begin];
    queries.push_back(query);
    relevant.emplace_back(wanted[user - users.begin]);
    if (queries.size() == eval::kQueryBlock) flush();
  }
  flush();
  return sums;
}

}  // namespace factorps::worker

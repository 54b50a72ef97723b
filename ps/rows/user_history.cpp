#include "ps/rows/user_history.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "common/random.hpp"

namespace factorps::ps {
namespace {

using Keyed = std::pair<std::int64_t, std::uint32_t>;  // what orders, item

/// The training items of each user of a strip.
std::vector<std::vector<Keyed>> items_of_users(const Dataset& dataset, StripId strip,
                                               const RandomStream& random) {
  const Grid& grid = dataset.grid();
  const RowRange users = grid.users_of(strip);
  const bool timed = dataset.has_times();
  std::vector<std::vector<Keyed>> all(users.size());
  for (std::uint32_t b = 0; b < grid.blocks(); ++b) {
    const CellView cell = dataset.cell(Part::train, strip, BlockId{b});
    const auto times = dataset.times(Part::train, strip, BlockId{b});
    const std::uint64_t first = grid.items_of(BlockId{b}).begin;
    for_each_interaction(cell, [&](std::uint32_t user, std::size_t n) {
      const auto item = static_cast<std::uint32_t>(first + cell.items[n]);
      // Keys that no epoch has: other draws of the same purpose have small ones.
      const std::uint64_t drawn = random.bits(~(users.begin + user), item) >> 1U;
      all[user].emplace_back(timed ? times[n] : static_cast<std::int64_t>(drawn), item);
    });
  }
  return all;
}

}  // namespace

UserHistories::UserHistories(const Dataset& dataset, Share strips, std::size_t most,
                             std::uint64_t seed)
    : most_{most}, first_user_{dataset.grid().strip_begin[strips.begin]} {
  const RandomStream random{seed, Purpose::shuffle_examples};
  for (std::uint32_t s = strips.begin; s < strips.end; ++s) {
    for (auto& keyed : items_of_users(dataset, StripId{s}, random))
      list_user(keyed, dataset.has_times());
  }
}

void UserHistories::list_user(std::vector<Keyed>& keyed, bool timed) {
  std::ranges::sort(keyed);
  std::set<std::uint32_t> seen;
  for (const auto& [key, item] : keyed) {
    if (!seen.insert(item).second) continue;
    items_.push_back(item);
    if (timed) times_.push_back(key);
  }
  begin_.push_back(items_.size());
}

void UserHistories::add_before(std::uint64_t user, std::uint64_t item,
                               std::optional<std::int64_t> time, ItemSets& sets) const {
  const auto all = items(user);
  std::size_t end = all.size();
  if (time) {
    const auto times = std::span{times_}.subspan(begin_[user - first_user_], all.size());
    end = static_cast<std::size_t>(std::ranges::lower_bound(times, *time) - times.begin());
  }
  const std::size_t first = sets.items.size();
  for (std::size_t n = end; n > 0 && sets.items.size() - first < most_; --n) {
    if (all[n - 1] != item) sets.items.push_back(all[n - 1]);
  }
  sets.begin.push_back(static_cast<std::uint32_t>(sets.items.size()));
}

void UserHistories::add_all(std::uint64_t user, ItemSets& sets) const {
  const auto all = items(user);
  const auto latest = all.last(std::min(most_, all.size()));
  sets.items.insert(sets.items.end(), latest.rbegin(), latest.rend());
  sets.begin.push_back(static_cast<std::uint32_t>(sets.items.size()));
}

}  // namespace factorps::ps

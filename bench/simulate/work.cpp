#include "work.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "common/random.hpp"
#include "io/generate/activity.hpp"

namespace factorps::bench {
namespace {

constexpr double kZipf = 0.9;  // as in io/generate

std::uint64_t nanoseconds_of(const CellCost& cost, double runs, double interactions) {
  if (interactions == 0) return 0;
  return static_cast<std::uint64_t>(
      1e9 * (cost.per_cell + runs * cost.per_run + interactions * cost.per_interaction));
}

/// Users with about the same number of interactions, together.
struct Activity {
  double users = 0;
  double interactions = 0;  // of each
};

std::vector<Activity> histogram(const std::vector<std::uint32_t>& counts) {
  constexpr double kBinsPerOctave = 4;
  std::map<int, Activity> bins;
  for (const std::uint32_t n : counts) {
    Activity& bin = bins[static_cast<int>(kBinsPerOctave * std::log2(n))];
    ++bin.users;
    bin.interactions += n;
  }
  std::vector<Activity> out;
  for (const auto& [number, bin] : bins) {
    out.push_back({bin.users, bin.interactions / bin.users});
  }
  return out;
}

/// Users that meet, at least once, something with this share of all interactions.
double users_who_meet(const std::vector<Activity>& users, double share) {
  double sum = 0;
  for (const Activity& bin : users) sum += bin.users * -std::expm1(-bin.interactions * share);
  return sum;
}

/// In the order of the table: popularity dealt to items by seed. [item]
std::vector<std::uint32_t> item_counts(const Shape& shape, const std::vector<Activity>& users) {
  const auto items = static_cast<std::uint32_t>(shape.items);
  std::vector<double> weights(items);
  for (std::uint32_t rank = 0; rank < items; ++rank) {
    weights[rank] = std::pow(rank + shape.offset, -kZipf);
  }
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (double& weight : weights) weight = users_who_meet(users, weight / total);
  const double met = std::accumulate(weights.begin(), weights.end(), 0.0);
  const double scale = static_cast<double>(shape.interactions) / met;
  const auto place = seeded_permutation(items, shape.seed, Purpose::permute_items);
  std::vector<std::uint32_t> counts(items);
  for (std::uint32_t rank = 0; rank < items; ++rank) {
    counts[place[rank]] = static_cast<std::uint32_t>(weights[rank] * scale);
  }
  return counts;
}

/// Shares of all interactions. [part]
std::vector<double> shares(const std::vector<std::uint32_t>& counts,
                           const std::vector<std::uint64_t>& begin) {
  std::vector<double> out;
  for (std::size_t part = 0; part + 1 < begin.size(); ++part) {
    const auto first = counts.begin() + static_cast<std::ptrdiff_t>(begin[part]);
    const auto last = counts.begin() + static_cast<std::ptrdiff_t>(begin[part + 1]);
    out.push_back(std::accumulate(first, last, 0.0));
  }
  const double total = std::accumulate(out.begin(), out.end(), 0.0);
  for (double& share : out) share /= total;
  return out;
}

}  // namespace

Work synthetic_work(const Shape& shape, const CellCost& cost) {
  const auto per_user = ratings_per_user(shape.users, shape.items, shape.interactions, shape.seed);
  const auto users = histogram(per_user);
  const auto per_item = item_counts(shape, users);
  Work work;
  work.grid = {cut_balanced(per_user, shape.strips, shape.users),
               cut_balanced(per_item, shape.blocks, kMaxBlockItems)};
  const auto strip_shares = shares(per_user, work.grid.strip_begin);
  const auto block_shares = shares(per_item, work.grid.block_begin);
  const auto all = static_cast<double>(shape.interactions);
  std::vector<double> runs_per_interaction;
  for (std::uint32_t b = 0; b < shape.blocks; ++b) {
    const bool one_item = work.grid.items_of(BlockId{b}).size() == 1;
    const double met = users_who_meet(users, block_shares[b]);
    runs_per_interaction.push_back(one_item ? 1 : met / (all * block_shares[b]));
  }
  const RandomStream random{shape.seed, Purpose::generate};
  for (std::uint32_t s = 0; s < shape.strips; ++s) {
    for (std::uint32_t b = 0; b < shape.blocks; ++b) {
      const double mean = all * strip_shares[s] * block_shares[b];
      const double drawn = mean + std::sqrt(mean) * random.normal(work.interactions.size());
      const double n = std::max(0.0, std::round(drawn));
      work.interactions.push_back(static_cast<std::uint64_t>(n));
      work.nanoseconds.push_back(nanoseconds_of(cost, n * runs_per_interaction[b], n));
    }
  }
  return work;
}

Work work_of(const Dataset& dataset, const CellCost& cost) {
  Work work{dataset.grid(), dataset.cell_sizes(Part::train), {}};
  for (std::uint32_t s = 0; s < work.grid.strips(); ++s) {
    for (std::uint32_t b = 0; b < work.grid.blocks(); ++b) {
      const CellView cell = dataset.cell(Part::train, StripId{s}, BlockId{b});
      work.nanoseconds.push_back(nanoseconds_of(cost, static_cast<double>(cell.runs.size()),
                                                static_cast<double>(cell.size())));
    }
  }
  return work;
}

}  // namespace factorps::bench

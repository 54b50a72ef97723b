#include <algorithm>
#include <cmath>
#include <tuple>

#include "common/random.hpp"
#include "model/kernels/ranking_kernel.hpp"

namespace factorps {
namespace {

using Positive = RankingWorkspace::Positive;

/// What has this value in a list that is sorted by it.
template <class Member>
std::span<const Positive> having(const std::vector<Positive>& sorted, Member member,
                                 std::uint32_t value) {
  const auto first = std::ranges::lower_bound(sorted, value, {}, member);
  return {first, std::ranges::upper_bound(first, sorted.end(), value, {}, member)};
}

bool same(const Positive& a, const Positive& b) { return a.user == b.user && a.item == b.item; }

}  // namespace

PopularItems::PopularItems(std::span<const std::uint32_t> counts, double exponent) {
  double sum = 0;
  for (std::uint32_t item = 0; item < counts.size(); ++item) {
    if (counts[item] == 0) continue;
    items_.push_back(item);
    if (exponent == 0) continue;
    const double probability = std::pow(static_cast<double>(counts[item]), exponent);
    cumulative_.push_back(sum += probability);
    weights_.push_back(static_cast<float>(1 / probability));
  }
  const double all = sum / static_cast<double>(items_.size());
  for (float& weight : weights_) weight = static_cast<float>(double{weight} * all);
}

void shuffle_positives(const CellView& cell, std::uint64_t seed, RankingWorkspace& workspace) {
  auto& positives = workspace.positives;
  positives.clear();
  for_each_interaction(cell, [&](std::uint32_t user, std::size_t n) {
    positives.push_back({user, cell.items[n]});
  });
  const RandomStream stream{seed, Purpose::shuffle_cell};
  for (std::size_t n = positives.size(); n > 1; --n) {
    std::swap(positives[n - 1], positives[stream.below(n, n)]);
  }
}

void list_known(RankingWorkspace& workspace) {
  auto& known = workspace.known;
  known = workspace.positives;
  std::ranges::sort(known, {}, [](const Positive& x) { return std::tuple{x.user, x.item}; });
  known.erase(std::unique(known.begin(), known.end(), same), known.end());
}

void draw_negatives(const Candidates& candidates, std::size_t count, std::uint64_t seed,
                    std::size_t batch, RankingWorkspace& workspace) {
  const RandomStream stream{seed, Purpose::sample_negatives};
  const auto& cumulative = candidates.cumulative;
  workspace.negatives.resize(count);
  workspace.weights.assign(count, 1);
  for (std::uint32_t n = 0; n < count; ++n) {
    std::size_t which = 0;
    if (cumulative.empty()) {
      which = stream.below(candidates.items.size(), batch, n);
    } else {
      const double at = stream.uniform(batch, n) * cumulative.back();
      const auto found = std::ranges::upper_bound(cumulative.first(cumulative.size() - 1), at);
      which = static_cast<std::size_t>(found - cumulative.begin());
    }
    workspace.negatives[n] = candidates.items[which];
    if (!candidates.weights.empty()) workspace.weights[n] = candidates.weights[which];
  }
}

void list_sampled(RankingWorkspace& workspace) {
  auto& sampled = workspace.sampled;
  sampled.clear();
  for (std::uint32_t n = 0; n < workspace.negatives.size(); ++n) {
    sampled.push_back({n, workspace.negatives[n]});
  }
  std::ranges::sort(sampled, {}, [](const Positive& x) { return std::tuple{x.item, x.user}; });
}

float mask_known(std::uint32_t user, const Candidates& candidates, RankingWorkspace& workspace) {
  const auto known = having(workspace.known, &Positive::user, user);
  workspace.masked.clear();
  for (const Positive& mine : known) {
    for (const Positive& sampled : having(workspace.sampled, &Positive::item, mine.item)) {
      workspace.masked.push_back(sampled.user);
    }
  }
  if (workspace.masked.size() == workspace.negatives.size()) return 0;
  const auto all = static_cast<float>(candidates.items.size());
  return all / (all - static_cast<float>(known.size()));
}

}  // namespace factorps

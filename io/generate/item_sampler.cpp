#include "io/generate/item_sampler.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/check.hpp"
#include "common/random.hpp"

namespace factorps {

ItemSampler::ItemSampler(std::uint32_t items, std::uint64_t seed)
    : weights_(items), columns_(items), stamps_(items, 0) {
  constexpr double kExponent = 0.9;
  constexpr double kOffset = 10;
  const auto item_of_rank = seeded_permutation(items, seed, Purpose::generate);
  for (std::uint32_t rank = 0; rank < items; ++rank) {
    weights_[item_of_rank[rank]] = std::pow(static_cast<double>(rank) + kOffset, -kExponent);
  }
  build_columns(weights_);
}

void ItemSampler::build_columns(const std::vector<double>& weights) {
  double total = 0;
  for (const double weight : weights) total += weight;
  const auto items = static_cast<std::uint32_t>(weights.size());
  std::vector<double> share(items);  // of a column; 1 is full
  std::vector<std::uint32_t> small;
  std::vector<std::uint32_t> large;
  for (std::uint32_t item = 0; item < items; ++item) {
    share[item] = weights[item] / total * items;
    (share[item] < 1 ? small : large).push_back(item);
    columns_[item] = {0xFFFF'FFFFU, item};
  }
  while (!small.empty() && !large.empty()) {
    const std::uint32_t item = small.back();
    const std::uint32_t other = large.back();
    small.pop_back();
    columns_[item] = {static_cast<std::uint32_t>(share[item] * 0x1p32), other};
    share[other] -= 1 - share[item];
    if (share[other] >= 1) continue;
    large.pop_back();
    small.push_back(other);
  }
}

std::uint32_t ItemSampler::draw_one(SplitMix& random) const noexcept {
  const std::uint64_t bits = random.bits();
  const auto item = static_cast<std::uint32_t>(((bits >> 32) * columns_.size()) >> 32);
  const Column column = columns_[item];
  return static_cast<std::uint32_t>(bits) < column.threshold ? item : column.alias;
}

void ItemSampler::draw(std::size_t count, SplitMix& random, std::vector<std::uint32_t>& drawn) {
  FACTORPS_CHECK(count <= weights_.size());
  drawn.clear();
  // Both ways draw from the same law; rejection is quick while most items are left.
  if (count <= weights_.size() / 16) {
    draw_by_rejection(count, random, drawn);
  } else {
    draw_by_keys(count, random, drawn);
  }
}

void ItemSampler::draw_by_rejection(std::size_t count, SplitMix& random,
                                    std::vector<std::uint32_t>& drawn) {
  ++stamp_;
  while (drawn.size() < count) {
    const std::uint32_t item = draw_one(random);
    if (std::exchange(stamps_[item], stamp_) != stamp_) drawn.push_back(item);
  }
}

/// The first arrivals of one exponential clock per item (Efraimidis and Spirakis 2006).
void ItemSampler::draw_by_keys(std::size_t count, SplitMix& random,
                               std::vector<std::uint32_t>& drawn) {
  std::vector<std::pair<double, std::uint32_t>> arrivals(weights_.size());
  for (std::uint32_t item = 0; item < arrivals.size(); ++item) {
    arrivals[item] = {-std::log(random.unit()) / weights_[item], item};
  }
  std::partial_sort(arrivals.begin(), arrivals.begin() + static_cast<std::ptrdiff_t>(count),
                    arrivals.end());
  for (std::size_t k = 0; k < count; ++k) drawn.push_back(arrivals[k].second);
}

}  // namespace factorps

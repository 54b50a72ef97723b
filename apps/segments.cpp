#include "apps/segments.hpp"

#include <algorithm>
#include <numeric>

namespace factorps::apps {

Segments::Segments(const Dataset& dataset, std::int64_t cold_below)
    : user_counts_{dataset.user_counts()},
      cold_below_{cold_below},
      item_segment_(dataset.grid().items()) {
  const auto counts = dataset.item_counts();
  std::vector<std::uint32_t> order(counts.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, [&](auto a, auto b) { return counts[a] > counts[b]; });
  const auto total = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  std::uint64_t before = 0;
  for (const std::uint32_t item : order) {
    const std::size_t third = 3 * before < total ? 0 : 3 * before < 2 * total ? 1 : 2;
    item_segment_[item] = static_cast<std::uint8_t>(kUsers + third);
    before += counts[item];
  }
}

std::vector<std::uint32_t> Segments::among(std::span<const std::uint32_t> items,
                                           std::size_t segment) const {
  std::vector<std::uint32_t> some;
  std::ranges::copy_if(items, std::back_inserter(some),
                       [&](auto item) { return item_segment_[item] == segment; });
  return some;
}

std::uint64_t Segments::items_in(std::size_t segment) const {
  return static_cast<std::uint64_t>(std::ranges::count(item_segment_, segment));
}

}  // namespace factorps::apps

#include "eval/item_lists.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <map>
#include <numeric>
#include <vector>

namespace factorps::eval {
namespace {

/// @param a, b ascending
bool have_in_common(std::span<const std::uint32_t> a, std::span<const std::uint32_t> b) {
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i] == b[j]) return true;
    (a[i] < b[j] ? i : j)++;
  }
  return false;
}

}  // namespace

double self_information(std::span<const std::uint32_t> list, std::span<const std::uint32_t> counts,
                        std::uint64_t users) {
  double bits = 0;
  for (const std::uint32_t item : list) {
    bits += std::log2(static_cast<double>(users) / std::max(counts[item], 1U));
  }
  return bits / static_cast<double>(list.size());
}

double mean_popularity(std::span<const std::uint32_t> list, std::span<const std::uint32_t> counts) {
  double sum = 0;
  for (const std::uint32_t item : list) sum += counts[item];
  return sum / static_cast<double>(list.size());
}

std::vector<double> unit_scales(const ItemTable& items) {
  std::vector<double> scales(items.bias.size());
  for (std::size_t item = 0; item < scales.size(); ++item) {
    double square = 0;
    for (const float x : items.factors.subspan(item * items.dim, items.dim)) {
      square += double{x} * double{x};
    }
    scales[item] = square == 0 ? 0 : 1 / std::sqrt(square);
  }
  return scales;
}

double factor_diversity(std::span<const std::uint32_t> list, const ItemTable& items,
                        std::span<const double> scales) {
  // The square of the sum of unit vectors is the sum of the cosines of all ordered pairs, each
  // vector with itself among them.
  double selves = 0;
  for (const std::uint32_t item : list) selves += scales[item] == 0 ? 0 : 1;
  constexpr std::size_t kColumns = 8;  // sums that stay in registers
  double all = 0;
  for (std::size_t first = 0; first < items.dim; first += kColumns) {
    const std::size_t columns = std::min(kColumns, items.dim - first);
    std::array<double, kColumns> sum{};
    for (const std::uint32_t item : list) {
      const float* part = items.factors.data() + item * items.dim + first;
      if (columns == kColumns) {
        for (std::size_t d = 0; d < kColumns; ++d) sum[d] += double{part[d]} * scales[item];
      } else {
        for (std::size_t d = 0; d < columns; ++d) sum[d] += double{part[d]} * scales[item];
      }
    }
    for (std::size_t d = 0; d < columns; ++d) all += sum[d] * sum[d];
  }
  const auto n = static_cast<double>(list.size());
  return 1 - (all - selves) / (n * (n - 1));
}

double category_diversity(std::span<const std::uint32_t> list, const ItemValues& values) {
  // Few items of long lists differ: those of equal values are compared once.
  std::map<std::vector<std::uint32_t>, std::uint64_t> kinds;  // codes -> items of the list
  for (const std::uint32_t item : list) {
    const auto own =
        values.codes.subspan(values.offsets[item], values.offsets[item + 1] - values.offsets[item]);
    ++kinds[{own.begin(), own.end()}];
  }
  std::uint64_t alike = 0;
  for (auto one = kinds.begin(); one != kinds.end(); ++one) {
    if (!one->first.empty()) alike += one->second * (one->second - 1) / 2;
    for (auto other = std::next(one); other != kinds.end(); ++other) {
      if (have_in_common(one->first, other->first)) alike += one->second * other->second;
    }
  }
  const auto n = static_cast<double>(list.size());
  return 1 - static_cast<double>(alike) / (n * (n - 1) / 2);
}

CatalogueSpread spread_over_items(std::span<const std::uint64_t> recommended) {
  std::vector<std::uint64_t> counts{recommended.begin(), recommended.end()};
  std::ranges::sort(counts);
  const auto total =
      static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}));
  CatalogueSpread spread;
  if (total == 0) return spread;
  const auto n = static_cast<double>(counts.size());
  double place = 0;
  double covered = 0;
  for (const std::uint64_t count : counts) {
    ++place;
    if (count == 0) continue;
    const double share = static_cast<double>(count) / total;
    ++covered;
    spread.gini += (2 * place - n - 1) * share / n;
    spread.entropy -= share * std::log2(share);
  }
  spread.coverage = covered / n;
  return spread;
}

}  // namespace factorps::eval

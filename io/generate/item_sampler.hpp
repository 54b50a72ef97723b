/// Draws of items by popularity, without replacement.
#pragma once

#include <cstdint>
#include <vector>

namespace factorps {

/// SplitMix64 (Steele, Lea, Flood 2014): a counter and a mix, one multiply-xor chain per number.
class SplitMix {
 public:
  explicit SplitMix(std::uint64_t seed) noexcept : state_{seed} {}
  std::uint64_t bits() noexcept {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }
  /// Uniform in (0, 1].
  double unit() noexcept { return (static_cast<double>(bits() >> 11) + 1) * 0x1p-53; }

 private:
  std::uint64_t state_;
};

/// A Zipf law over items, 1 / (rank + 10)^0.9, with ranks dealt to items by seed.
class ItemSampler {
 public:
  ItemSampler(std::uint32_t items, std::uint64_t seed);

  /// Replaces `drawn` by `count` different items. Successive draws with probability proportional
  /// to popularity among the items left. @param count at most half of the items
  void draw(std::size_t count, SplitMix& random, std::vector<std::uint32_t>& drawn);

 private:
  /// A column of the alias method (Walker 1977; Vose 1991).
  struct Column {
    std::uint32_t threshold;  // of 2^32: keep below, else take the alias
    std::uint32_t alias;
  };
  void build_columns(const std::vector<double>& weights);
  [[nodiscard]] std::uint32_t draw_one(SplitMix& random) const noexcept;
  void draw_by_rejection(std::size_t count, SplitMix& random, std::vector<std::uint32_t>& drawn);
  void draw_by_keys(std::size_t count, SplitMix& random, std::vector<std::uint32_t>& drawn);

  std::vector<double> weights_;        // [item]
  std::vector<Column> columns_;        // [item]
  std::vector<std::uint32_t> stamps_;  // [item] last call that drew it
  std::uint32_t stamp_ = 0;
};

}  // namespace factorps

/// What lists of recommended items are like: new, popular, diverse, spread over the catalogue.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "eval/scores.hpp"

namespace factorps::eval {

/// Mean of log2(users / interactions of the item), in bits; items without count as if they had one
/// (Zhou et al.: "Solving the apparent diversity-accuracy dilemma of recommender systems", 2010).
/// @param list item rows, at least one
/// @param counts training interactions per item
/// @param users with training data
[[nodiscard]] double self_information(std::span<const std::uint32_t> list,
                                      std::span<const std::uint32_t> counts, std::uint64_t users);

/// Mean number of training interactions. @param list at least one
[[nodiscard]] double mean_popularity(std::span<const std::uint32_t> list,
                                     std::span<const std::uint32_t> counts);

/// 1 / length of each item's factors; 0 for a zero vector.
[[nodiscard]] std::vector<double> unit_scales(const ItemTable& items);

/// Mean of 1 - cosine over all pairs of the list by their factors; the cosine with a zero vector
/// is 0. @param list at least two @param scales of the same items
[[nodiscard]] double factor_diversity(std::span<const std::uint32_t> list, const ItemTable& items,
                                      std::span<const double> scales);

/// What items have in common: brands, genres.
struct ItemValues {
  std::span<const std::uint64_t> offsets;  ///< [item], plus the end: first of its codes
  std::span<const std::uint32_t> codes;    ///< those of an item ascend
};

/// Share of the pairs of the list that have no value in common; items without any have none in
/// common with others. @param list at least two
[[nodiscard]] double category_diversity(std::span<const std::uint32_t> list,
                                        const ItemValues& values);

/// How recommendations are spread over the items of a catalogue.
struct CatalogueSpread {
  double coverage = 0;  ///< share of items that were recommended
  double gini = 0;      ///< 0: all equally often; towards 1: one item takes all
  double entropy = 0;   ///< bits, of the item of a random recommendation
};
/// @param recommended how often each item was. All results are 0 if none ever was.
[[nodiscard]] CatalogueSpread spread_over_items(std::span<const std::uint64_t> recommended);

}  // namespace factorps::eval

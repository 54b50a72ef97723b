/// Exact top-K: the best items of a user among all items.
///
/// A user's list is the same bits whichever users share the call. Scores come from Eigen products
/// of a fixed shape: items are rows, users are columns, a block always has kQueryBlock columns
/// (missing ones are zero) and the depth is cut into slices of kDepth. Eigen computes every column
/// of such a product with the same operations in the same order, because it handles columns in
/// groups of four and kQueryBlock is a multiple of four; and kDepth is below the depth at which
/// Eigen would split the sum itself, at a place that depends on the cache sizes of the CPU.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace factorps::eval {

inline constexpr std::size_t kQueryBlock = 64;  ///< users per call

struct ItemTable {
  std::size_t dim = 0;
  std::span<const float> factors;  ///< items x dim, row-major
  std::span<const float> bias;     ///< items
  // Back to original units, per item: score * scale + offset. Empty: 1 and 0.
  std::span<const float> scale;
  std::span<const float> offset;
};

/// One user. Spans must live as long as the call.
struct Query {
  std::span<const float> factors;           ///< dim; empty: zeros
  float base = 0;                           ///< added to every score: mu and the user's bias
  std::span<const std::uint32_t> excluded;  ///< item rows in ascending order
};

struct ScoredItem {
  std::uint32_t item = 0;
  float score = 0;
  friend bool operator==(const ScoredItem&, const ScoredItem&) = default;
};

/// score(i) = ((base + bias_i) + <factors, factors_i>) * scale_i + offset_i. NaN scores are left
/// out.
/// @param queries at most kQueryBlock
/// @return per query the k best (fewer if there are not as many), best first, ties by item row
[[nodiscard]] std::vector<std::vector<ScoredItem>> top_k(const ItemTable& items,
                                                         std::span<const Query> queries,
                                                         std::size_t k);

}  // namespace factorps::eval

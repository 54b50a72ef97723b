/// Scores of all items for some users at a time.
///
/// A user's scores are the same bits whichever users share the call. They come from Eigen products
/// of a fixed shape: items are rows, users are columns, a block always has kQueryBlock columns
/// (missing ones are zero) and the depth is cut into slices of kDepth. Eigen computes every column
/// of such a product with the same operations in the same order, because it handles columns in
/// groups of four and kQueryBlock is a multiple of four; and kDepth is below the depth at which
/// Eigen would split the sum itself, at a place that depends on the cache sizes of the CPU.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

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

/// score(i) = ((base + bias_i) + <factors, factors_i>) * scale_i + offset_i
///
/// Calls visit(n, first item, scores) for query n and neighbouring items; for each query items
/// ascend. The scores are good until visit returns.
/// @param queries at most kQueryBlock
void for_each_score(
    const ItemTable& items, std::span<const Query> queries,
    const std::function<void(std::size_t, std::size_t, std::span<const float>)>& visit);

}  // namespace factorps::eval

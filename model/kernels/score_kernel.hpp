/// Pieces of scoring all items for some users: items side by side for products of matrices, and
/// places of scores.
#pragma once

#include <cstddef>
#include <cstdint>

#include "model/kernels/product_kernel.hpp"

namespace factorps {

/// Scores above one, and equal to it.
struct Places {
  std::uint32_t above = 0;
  std::uint32_t equal = 0;
};

/// Of one instruction set; the results are the same in all.
struct ScoreKernels {
  /// out[k * kProductStrip + n] = rows[n * stride + k] for n < count and k < depth, and 0 for other
  /// n < kProductStrip. @param count at most kProductStrip @param out aligned to 64 bytes
  void (*pack)(const float* rows, std::size_t stride, std::size_t count, std::size_t depth,
               float* out);
  /// NaN is neither above nor equal.
  Places (*places)(const float* scores, std::size_t count, float score);
  /// The first place from `from` on with a higher score; `count` if there is none.
  std::size_t (*next_above)(const float* scores, std::size_t from, std::size_t count, float score);
};

/// @param set one of usable_kernels()
[[nodiscard]] ScoreKernels score_kernels(InstructionSet set);

// In plain loops.
void pack_reference(const float* rows, std::size_t stride, std::size_t count, std::size_t depth,
                    float* out);
Places places_reference(const float* scores, std::size_t count, float score);
std::size_t next_above_reference(const float* scores, std::size_t from, std::size_t count,
                                 float score);

}  // namespace factorps

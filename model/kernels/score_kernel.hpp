/// Pieces of scoring all items for some users: items side by side for products of matrices, and the
/// products.
#pragma once

#include <cstddef>

#include "model/kernels/product_kernel.hpp"

namespace factorps {

/// Items that come next, and how many floats of them are fetched into the cache for each k < depth:
/// up to kProductStrip, a power of 2. With 0 there are none.
struct Ahead {
  const float* items = nullptr;
  std::size_t by_k = 0;
};

/// Of one instruction set. Scores are the same bits in those that multiply and add in one step.
struct ScoreKernels {
  /// out[k * kProductStrip + n] = rows[n * stride + k] for n < count and k < depth, and 0 for other
  /// n < kProductStrip. @param count at most kProductStrip @param out aligned to 64 bytes
  void (*pack)(const float* rows, std::size_t stride, std::size_t count, std::size_t depth,
               float* out);
  /// Of kProductStrip users and as many items, both packed:
  ///
  ///   out[i * stride + j] = base[i] + bias[j] + sum over k < depth of <user i>_k <item j>_k
  ///
  /// added up from left to right. All is aligned to 64 bytes; stride is a multiple of kRowMultiple.
  void (*score)(const float* users, const float* items, std::size_t depth, const float* base,
                const float* bias, float* out, std::size_t stride, Ahead ahead);
  /// The same bits for one user and `count` rows of items that are not packed.
  /// @param scores [count] base + bias on entry
  void (*score_rows)(const float* user, const float* const* rows, std::size_t count,
                     std::size_t depth, float* scores);
};

/// @param set one of usable_kernels()
[[nodiscard]] ScoreKernels score_kernels(InstructionSet set);

// In plain loops.
void pack_reference(const float* rows, std::size_t stride, std::size_t count, std::size_t depth,
                    float* out);
void score_reference(const float* users, const float* items, std::size_t depth, const float* base,
                     const float* bias, float* out, std::size_t stride, Ahead ahead);
void score_rows_reference(const float* user, const float* const* rows, std::size_t count,
                          std::size_t depth, float* scores);

}  // namespace factorps

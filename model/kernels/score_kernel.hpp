/// Pieces of scoring all items for some users: items side by side for products of matrices, the
/// products, and places of scores.
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

inline constexpr std::size_t kMostFound = 128;  ///< positions that are looked for at once

/// How many positions there are, and where to go on.
struct Found {
  std::size_t count = 0;
  std::size_t next = 0;
};

/// Items that come next, and how many floats of them are fetched into the cache for each k < depth:
/// up to kProductStrip, a power of 2. With 0 there are none.
struct Ahead {
  const float* items = nullptr;
  std::size_t by_k = 0;
};

/// Of one instruction set. Scores are the same bits in those that multiply and add in one step;
/// places are the same in all.
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
  /// Adds to places[w] what is above and equal to wanted[w]. NaN is neither.
  /// @param wanted [num_wanted] ascending, no NaN
  void (*add_places)(const float* scores, std::size_t count, const float* wanted,
                     std::size_t num_wanted, Places* places);
  /// Where scores from `from` on are higher than one, in ascending order; how far it looks is up to
  /// the kernel, to the end if nothing is found. @param positions room for kMostFound
  Found (*find_above)(const float* scores, std::size_t from, std::size_t count, float score,
                      std::uint32_t* positions);
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
void add_places_reference(const float* scores, std::size_t count, const float* wanted,
                          std::size_t num_wanted, Places* places);
/// @param found positions that are there already
Found find_above_reference(const float* scores, std::size_t from, std::size_t count, float score,
                           std::uint32_t* positions, std::size_t found);

}  // namespace factorps

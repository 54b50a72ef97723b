/// What is looked for among the scores of a user: the highest ones, and the places of some.
#pragma once

#include <cstddef>
#include <cstdint>

#include "model/kernels/sgd_kernel.hpp"

namespace factorps {

/// Scores above one, and equal to it.
struct Places {
  std::uint32_t above = 0;
  std::uint32_t equal = 0;
};

inline constexpr std::size_t kSiftBlock = 1024;  ///< scores that are sifted at once, at most

/// How many scores were kept, and how many positions found.
struct Sifted {
  std::size_t kept = 0;
  std::size_t found = 0;
};

/// Of one instruction set; all give the same. A score that is NaN is neither above, nor below, nor
/// equal.
struct SiftKernels {
  /// One pass over up to kSiftBlock scores: copies those of at least `least`, and writes where
  /// those above `limit` are, both in their order.
  /// @param kept room for count + kRowMultiple; null: no copies
  /// @param positions room for count + kRowMultiple
  Sifted (*sift)(const float* scores, std::size_t count, float least, float* kept, float limit,
                 std::uint32_t* positions);
  /// Adds to places[w] what is above and equal to wanted[w].
  /// @param kept scores of at least wanted[0], with room for kRowMultiple more; changed
  /// @param wanted [num_wanted] ascending, no NaN
  void (*count_places)(float* kept, std::size_t count, const float* wanted, std::size_t num_wanted,
                       Places* places);
  /// The same for any scores, which stay as they are.
  void (*add_places)(const float* scores, std::size_t count, const float* wanted,
                     std::size_t num_wanted, Places* places);
};

/// @param set one of usable_kernels()
[[nodiscard]] SiftKernels sift_kernels_of(InstructionSet set);
/// Those of best_kernels().
[[nodiscard]] const SiftKernels& sift_kernels();

// In plain loops.
Sifted sift_reference(const float* scores, std::size_t count, float least, float* kept, float limit,
                      std::uint32_t* positions);
void add_places_reference(const float* scores, std::size_t count, const float* wanted,
                          std::size_t num_wanted, Places* places);

}  // namespace factorps

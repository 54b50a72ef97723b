/// Counter-based random numbers: a value is a pure function of its key, so it does not depend on
/// which rank draws it, in which order, or how many ranks there are.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace factorps {

/// What a random number is for. Values are frozen: changing one changes every model.
enum class Purpose : std::uint32_t {
  init_user = 1,
  init_item = 2,
  permute_users = 3,
  permute_items = 4,
  block_order = 5,
  split_test = 6,
  split_validation = 7,
  generate = 8,
  scaling = 9,
  sample_candidates = 10,
  resample_users = 11,
  shuffle_cell = 12,
  sample_negatives = 13,
  cell_seed = 14,
  drop_users = 15,
  drop_units = 16,
  init_dense = 17,
  shuffle_examples = 18,
  draw_negatives = 19,
  init_feature = 20,
};

/// Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", 2011).
/// @return four independent 32-bit words for this counter under this key
[[nodiscard]] std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                                  std::array<std::uint32_t, 2> key) noexcept;

/// A family of random numbers, indexed by (row, column). Cheap to copy; stateless.
class RandomStream {
 public:
  RandomStream(std::uint64_t seed, Purpose purpose) noexcept : seed_{seed}, purpose_{purpose} {}

  /// 64 uniform bits.
  [[nodiscard]] std::uint64_t bits(std::uint64_t row, std::uint32_t column = 0) const noexcept;
  /// Uniform in [0, 1), 53 bits.
  [[nodiscard]] double uniform(std::uint64_t row, std::uint32_t column = 0) const noexcept;
  /// Uniform in [0, n), n >= 1; the bias is below n / 2^64.
  [[nodiscard]] std::uint64_t below(std::uint64_t n, std::uint64_t row,
                                    std::uint32_t column = 0) const noexcept;
  /// Standard normal (Box and Muller 1958). Uses libm, so equal only under the same C library.
  [[nodiscard]] double normal(std::uint64_t row, std::uint32_t column = 0) const noexcept;

 private:
  std::uint64_t seed_;
  Purpose purpose_;
};

/// A seeded permutation of 0..n-1 (Fisher and Yates): element k is where k goes.
[[nodiscard]] std::vector<std::uint32_t> seeded_permutation(std::uint32_t n, std::uint64_t seed,
                                                            Purpose purpose);

}  // namespace factorps

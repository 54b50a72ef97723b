/// A permutation of 0 .. n-1 that takes no memory.
#pragma once

#include <cstdint>

#include "common/random.hpp"

namespace factorps {

/// A Feistel network over the smallest even number of bits that holds n, whose outputs beyond n are
/// sent through it again (Black and Rogaway: "Ciphers with arbitrary finite domains", 2002): below
/// four trips on average.
class KeyedPermutation {
 public:
  /// @param key equal keys give equal permutations of equal n
  KeyedPermutation(std::uint64_t n, std::uint64_t key) noexcept;

  /// @param k below n @return where k goes, below n
  [[nodiscard]] std::uint64_t operator()(std::uint64_t k) const noexcept;

 private:
  [[nodiscard]] std::uint64_t once(std::uint64_t k) const noexcept;

  std::uint64_t n_;
  std::uint64_t key_;
  unsigned half_bits_ = 1;
};

}  // namespace factorps

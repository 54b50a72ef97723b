#include "common/keyed_permutation.hpp"

namespace factorps {
namespace {

constexpr unsigned kRounds = 4;

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every bit depends on every other.
std::uint64_t mix(std::uint64_t x) noexcept {
  x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27U)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31U);
}

}  // namespace

KeyedPermutation::KeyedPermutation(std::uint64_t n, std::uint64_t key) noexcept : n_{n}, key_{key} {
  while (half_bits_ < 32 && (std::uint64_t{1} << (2 * half_bits_)) < n) ++half_bits_;
}

std::uint64_t KeyedPermutation::once(std::uint64_t k) const noexcept {
  const std::uint64_t mask = (std::uint64_t{1} << half_bits_) - 1;
  std::uint64_t left = k >> half_bits_;
  std::uint64_t right = k & mask;
  for (unsigned round = 0; round < kRounds; ++round) {
    const std::uint64_t next = left ^ (mix(mix(key_ + round) ^ right) & mask);
    left = right;
    right = next;
  }
  return left << half_bits_ | right;
}

std::uint64_t KeyedPermutation::operator()(std::uint64_t k) const noexcept {
  do {
    k = once(k);
  } while (k >= n_);
  return k;
}

}  // namespace factorps

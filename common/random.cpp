#include "common/random.hpp"

#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

namespace factorps {

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                    std::array<std::uint32_t, 2> key) noexcept {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t first = std::uint64_t{0xD2511F53} * counter[0];
    const std::uint64_t second = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<std::uint32_t>(second >> 32) ^ counter[1] ^ key[0],
               static_cast<std::uint32_t>(second),
               static_cast<std::uint32_t>(first >> 32) ^ counter[3] ^ key[1],
               static_cast<std::uint32_t>(first)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

namespace {

std::array<std::uint32_t, 4> words(std::uint64_t seed, Purpose purpose, std::uint64_t row,
                                   std::uint32_t column) noexcept {
  return philox({static_cast<std::uint32_t>(row), static_cast<std::uint32_t>(row >> 32), column,
                 static_cast<std::uint32_t>(purpose)},
                {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
}

double to_unit(std::uint32_t high, std::uint32_t low) noexcept {
  const std::uint64_t bits = (std::uint64_t{high} << 32 | low) >> 11;
  return static_cast<double>(bits) * 0x1p-53;
}

}  // namespace

std::uint64_t RandomStream::bits(std::uint64_t row, std::uint32_t column) const noexcept {
  const auto w = words(seed_, purpose_, row, column);
  return std::uint64_t{w[0]} << 32 | w[1];
}

double RandomStream::uniform(std::uint64_t row, std::uint32_t column) const noexcept {
  const auto w = words(seed_, purpose_, row, column);
  return to_unit(w[0], w[1]);
}

std::uint64_t RandomStream::below(std::uint64_t n, std::uint64_t row,
                                  std::uint32_t column) const noexcept {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>((Wide{bits(row, column)} * n) >> 64);
}

double RandomStream::normal(std::uint64_t row, std::uint32_t column) const noexcept {
  const auto w = words(seed_, purpose_, row, column);
  const double radius = std::sqrt(-2.0 * std::log(1.0 - to_unit(w[0], w[1])));
  return radius * std::cos(2.0 * std::numbers::pi * to_unit(w[2], w[3]));
}

std::vector<std::uint32_t> seeded_permutation(std::uint32_t n, std::uint64_t seed,
                                              Purpose purpose) {
  std::vector<std::uint32_t> order(n);
  std::iota(order.begin(), order.end(), std::uint32_t{0});
  const RandomStream random{seed, purpose};
  for (std::uint32_t k = n; k > 1; --k) {
    std::swap(order[k - 1], order[random.below(k, k)]);
  }
  return order;
}

}  // namespace factorps

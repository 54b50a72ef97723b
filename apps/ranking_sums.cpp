#include "apps/ranking_sums.hpp"

#include <cstring>

namespace factorps::apps {

std::vector<std::byte> to_bytes(const StripRanking& ranking) {
  std::vector<std::byte> bytes;
  const auto append = [&](std::span<const std::byte> some) {
    bytes.insert(bytes.end(), some.begin(), some.end());
  };
  for (const RankingSums& sums : ranking.sums) append(std::as_bytes(sums.numbers()));
  append(std::as_bytes(std::span{ranking.lines}));
  return bytes;
}

StripRanking from_bytes(std::span<const std::byte> bytes, StripRanking shape) {
  for (RankingSums& sums : shape.sums) {
    const auto numbers = std::as_writable_bytes(sums.numbers());
    std::memcpy(numbers.data(), bytes.data(), numbers.size());
    bytes = bytes.subspan(numbers.size());
  }
  shape.lines.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return shape;
}

}  // namespace factorps::apps

#include "apps/ranking_sums.hpp"

#include <cstdint>
#include <cstring>

namespace factorps::apps {

std::vector<std::byte> to_bytes(const StripRanking& ranking) {
  std::vector<std::byte> bytes;
  const auto append = [&](std::span<const std::byte> some) {
    bytes.insert(bytes.end(), some.begin(), some.end());
  };
  for (const RankingSums& sums : ranking.sums) append(std::as_bytes(sums.numbers()));
  const std::uint64_t lines = ranking.lines.size();
  append(std::as_bytes(std::span{&lines, 1}));
  append(std::as_bytes(std::span{ranking.lines}));
  append(std::as_bytes(std::span{ranking.candidates}));
  return bytes;
}

StripRanking from_bytes(std::span<const std::byte> bytes, StripRanking shape) {
  for (RankingSums& sums : shape.sums) {
    const auto numbers = std::as_writable_bytes(sums.numbers());
    std::memcpy(numbers.data(), bytes.data(), numbers.size());
    bytes = bytes.subspan(numbers.size());
  }
  std::uint64_t lines = 0;
  std::memcpy(&lines, bytes.data(), sizeof lines);
  const char* const text = reinterpret_cast<const char*>(bytes.data()) + sizeof lines;
  shape.lines.assign(text, lines);
  shape.candidates.assign(text + lines, bytes.size() - sizeof lines - lines);
  return shape;
}

}  // namespace factorps::apps

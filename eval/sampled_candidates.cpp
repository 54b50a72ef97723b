#include "eval/sampled_candidates.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "eval/full_ranking.hpp"

namespace factorps::eval {

void keep_sample(std::span<float> scores, std::span<const std::uint32_t> relevant,
                 std::uint64_t count, const RandomStream& stream, std::uint64_t user) {
  std::vector<std::uint32_t> others;
  for (std::uint32_t item = 0; item < scores.size(); ++item) {
    const bool candidate = scores[item] == scores[item];
    if (candidate && !std::ranges::binary_search(relevant, item)) others.push_back(item);
  }
  // The first `count` places of a shuffle (Fisher and Yates).
  std::uint32_t place = 0;
  for (; place < std::min<std::uint64_t>(count, others.size()); ++place) {
    const std::uint64_t other = place + stream.below(others.size() - place, user, place);
    std::swap(others[place], others[other]);
  }
  for (; place < others.size(); ++place) scores[others[place]] = kNoCandidate;
}

void keep_given(std::span<float> scores, std::span<const std::uint32_t> relevant,
                std::span<const std::uint32_t> given) {
  for (std::uint32_t item = 0; item < scores.size(); ++item) {
    if (!std::ranges::binary_search(given, item) && !std::ranges::binary_search(relevant, item))
      scores[item] = kNoCandidate;
  }
}

}  // namespace factorps::eval

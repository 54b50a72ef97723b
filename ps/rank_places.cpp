#include "ps/rank_places.hpp"

#include <algorithm>

#include "common/aligned_buffer.hpp"
#include "common/check.hpp"

namespace factorps::ps {

std::vector<std::uint64_t> pairs_to_rank(const Dataset& dataset) {
  const Grid& grid = dataset.grid();
  std::vector<std::uint64_t> most(grid.strips());
  for (const Part part : {Part::validation, Part::test}) {
    if (dataset.held_out(part)) continue;
    const auto sizes = dataset.cell_sizes(part);
    for (std::uint32_t s = 0; s < grid.strips(); ++s) {
      std::uint64_t pairs = 0;
      for (std::uint32_t b = 0; b < grid.blocks(); ++b) {
        pairs += sizes[grid.cell_index(StripId{s}, BlockId{b})];
      }
      most[s] = std::max(most[s], pairs);
    }
  }
  return most;
}

std::size_t RankPlaces::bytes_needed(std::span<const std::uint64_t> pairs, Share strips) {
  OffsetCursor cursor;
  for (std::uint32_t s = strips.begin; s < strips.end; ++s) {
    cursor.take(pairs[s] * sizeof(RankPlace));
  }
  return cursor.take(0);
}

RankPlaces::RankPlaces(std::span<std::byte> memory, std::span<const std::uint64_t> pairs,
                       Share strips)
    : first_{strips.begin} {
  FACTORPS_CHECK(memory.size() >= bytes_needed(pairs, strips));
  OffsetCursor cursor;
  for (std::uint32_t s = strips.begin; s < strips.end; ++s) {
    std::byte* begin = memory.data() + cursor.take(pairs[s] * sizeof(RankPlace));
    places_.emplace_back(reinterpret_cast<RankPlace*>(begin), pairs[s]);
  }
}

}  // namespace factorps::ps

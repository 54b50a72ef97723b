/// The order of cells: a pure function of the seed and the grid, the same in every epoch.
///
/// Strips and blocks stand on a ring of L = max(strips, blocks) places, both spread evenly, the
/// blocks in a seeded order; at step s the strip at place v meets the block at place v + s (mod L).
/// In one step no two strips meet the same block, and every strip meets every block once. A block
/// thus meets the strips in descending order, beginning with the one at or just below its place:
/// where nodes hold neighbouring strips, it goes from node to node, each time to the same
/// neighbour. Along a strip cells go by ascending step; along a block too, and there a cell's place
/// is its turn. Two cells touch the same rows only if they share a strip or a block, so every
/// execution that keeps these two orders computes the same bits (Gemulla, Nijkamp, Haas, Sismanis:
/// "Large-scale matrix factorization with distributed stochastic gradient descent", 2011, for the
/// strata).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "common/id.hpp"

namespace factorps {

/// Immutable; thread-safe.
class CellOrder {
 public:
  CellOrder(std::uint32_t strips, std::uint32_t blocks, std::uint64_t seed);

  /// L, the number of steps of a pass.
  [[nodiscard]] std::uint32_t steps() const noexcept { return steps_; }
  /// The block that a strip meets at a step, if any (none where strips outnumber blocks).
  [[nodiscard]] std::optional<BlockId> block_at(StripId strip, std::uint32_t step) const;
  /// The step at which the strip meets the block.
  [[nodiscard]] std::uint32_t step_of(StripId strip, BlockId block) const;
  /// The last step at which the strip meets a block.
  [[nodiscard]] std::uint32_t last_step(StripId strip) const;
  /// How many strips the block meets before this one.
  [[nodiscard]] std::uint32_t turn(StripId strip, BlockId block) const;
  /// The strip that the block meets first.
  [[nodiscard]] StripId first_strip(BlockId block) const {
    return StripId{first_.at(block.value())};
  }
  /// All blocks by ascending place on the ring.
  [[nodiscard]] const std::vector<BlockId>& ring() const noexcept { return ring_; }

 private:
  [[nodiscard]] std::uint64_t place_of(std::uint32_t strip) const;

  std::uint32_t strips_;
  std::uint32_t steps_;
  std::vector<BlockId> ring_;
  std::vector<std::uint32_t> first_;                    // [block] strip
  std::vector<std::uint32_t> places_;                   // [block]
  std::vector<std::optional<BlockId>> block_at_place_;  // [place]
};

}  // namespace factorps

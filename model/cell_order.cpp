#include "model/cell_order.hpp"

#include <algorithm>

#include "common/check.hpp"
#include "common/random.hpp"

namespace factorps {

CellOrder::CellOrder(std::uint32_t strips, std::uint32_t blocks, std::uint64_t seed)
    : strips_{strips},
      steps_{std::max(strips, blocks)},
      first_(blocks),
      places_(blocks),
      block_at_place_(steps_) {
  for (const std::uint32_t b : seeded_permutation(blocks, seed, Purpose::block_order)) {
    const std::uint64_t place = std::uint64_t{ring_.size()} * steps_ / blocks;
    ring_.emplace_back(b);
    block_at_place_[place] = BlockId{b};
    places_[b] = static_cast<std::uint32_t>(place);
    // The last strip whose place is not above the block's.
    first_[b] = static_cast<std::uint32_t>(((place + 1) * strips_ - 1) / steps_);
  }
}

std::uint64_t CellOrder::place_of(std::uint32_t strip) const {
  return std::uint64_t{strip} * steps_ / strips_;
}

std::optional<BlockId> CellOrder::block_at(StripId strip, std::uint32_t step) const {
  FACTORPS_ASSERT(strip.value() < strips_ && step < steps_);
  return block_at_place_[(place_of(strip.value()) + step) % steps_];
}

std::uint32_t CellOrder::step_of(StripId strip, BlockId block) const {
  return static_cast<std::uint32_t>((places_[block.value()] + steps_ - place_of(strip.value())) %
                                    steps_);
}

std::uint32_t CellOrder::last_step(StripId strip) const {
  std::uint32_t step = steps_ - 1;
  while (!block_at(strip, step)) --step;
  return step;
}

std::uint32_t CellOrder::turn(StripId strip, BlockId block) const {
  // The block meets strips first, first - 1, ..., 0, then strips - 1, ..., first + 1.
  const std::uint32_t first = first_[block.value()];
  const std::uint32_t i = strip.value();
  return i <= first ? first - i : first + strips_ - i;
}

}  // namespace factorps

#include "model/cell_order.hpp"

#include <algorithm>

#include "common/check.hpp"
#include "common/random.hpp"

namespace factorps {

CellOrder::CellOrder(std::uint32_t strips, std::uint32_t blocks, std::uint64_t seed)
    : strips_{strips},
      steps_{std::max(strips, blocks)},
      position_{seeded_permutation(steps_, seed, Purpose::block_order)},
      block_at_position_(steps_) {
  position_.resize(blocks);
  for (std::uint32_t b = 0; b < blocks; ++b) block_at_position_[position_[b]] = BlockId{b};
}

std::optional<BlockId> CellOrder::block_at(StripId strip, std::uint32_t step) const {
  FACTORPS_ASSERT(strip.value() < strips_ && step < steps_);
  return block_at_position_[(std::size_t{strip.value()} + step) % steps_];
}

std::uint32_t CellOrder::turn(StripId strip, BlockId block) const {
  // The block meets strips position, position - 1, ..., 0, then strips - 1, ..., position + 1.
  const std::uint32_t position = position_[block.value()];
  const std::uint32_t first = std::min(position, strips_ - 1);
  const std::uint32_t i = strip.value();
  return i <= first ? first - i : first + strips_ - i;
}

}  // namespace factorps

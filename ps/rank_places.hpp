/// Where the held-out items of a node's users stand among all items, while blocks come one after
/// the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "io/dataset.hpp"
#include "ps/layout.hpp"

namespace factorps::ps {

/// Of one held-out interaction.
struct RankPlace {
  float score = 0;          ///< NaN: its item is no candidate
  std::uint32_t above = 0;  ///< candidates seen so far with higher scores
  std::uint32_t equal = 0;  ///< candidates seen so far with this score
};

/// Interactions of validation or of test, whichever are more, but none of held-out users, who are
/// not ranked in a training. [strip]
[[nodiscard]] std::vector<std::uint64_t> pairs_to_rank(const Dataset& dataset);

/// Every rank of a node makes one of these over the same memory; it owns nothing. Who holds the
/// lease of a strip may change its places.
class RankPlaces {
 public:
  /// @param pairs from pairs_to_rank() @param strips of the node
  [[nodiscard]] static std::size_t bytes_needed(std::span<const std::uint64_t> pairs, Share strips);

  /// @param memory bytes_needed() bytes, aligned to kAlignment; must outlive the object
  RankPlaces(std::span<std::byte> memory, std::span<const std::uint64_t> pairs, Share strips);

  /// As many as pairs_to_rank() says: interactions by block, in a block as in the dataset.
  /// @param strip one of this node
  [[nodiscard]] std::span<RankPlace> of(StripId strip) const {
    return places_.at(strip.value() - first_);
  }

 private:
  std::uint32_t first_;
  std::vector<std::span<RankPlace>> places_;  // [strip - first of the node]
};

}  // namespace factorps::ps

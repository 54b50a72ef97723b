/// The way of blocks from a node to the next one in the ring: rows as raw bytes, copied only where
/// the network must.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace factorps::comm {

/// A message in pieces, each where it lies in memory.
using Parcel = std::vector<std::span<std::byte>>;

/// Goes first in the parcel of a block: what is in it.
struct BlockHeader {
  std::uint32_t block = 0;
  std::uint32_t halves = 0;  ///< 1: factors are upper halves, Tag::lower_halves bring the others
  std::uint64_t turns = 0;   ///< that the block has finished
};

/// One node's end of the ring: parcels go to the next node and come from the previous one, in the
/// order sent. The receiver posts a parcel of the same piece sizes before the sender sends it; the
/// users of the ring see to that with credits.
class RingLink {
 public:
  RingLink() = default;
  RingLink(const RingLink&) = delete;
  RingLink& operator=(const RingLink&) = delete;
  virtual ~RingLink() = default;

  /// Begins to send; the pieces must stay unchanged until sent() counts the parcel. Never blocks.
  virtual void send(Parcel parcel) = 0;
  /// Begins to receive; the pieces belong to the link until received() counts the parcel.
  virtual void receive(Parcel parcel) = 0;
  /// Parcels sent so far; moves on what is under way. Never blocks.
  [[nodiscard]] virtual std::uint64_t sent() = 0;
  /// Parcels received so far; moves on what is under way. Never blocks.
  [[nodiscard]] virtual std::uint64_t received() = 0;
};

}  // namespace factorps::comm

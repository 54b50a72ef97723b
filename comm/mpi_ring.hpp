/// The ring between ranks.
#pragma once

#include <memory>

#include "comm/ring_link.hpp"

namespace factorps::comm {

/// Pieces travel in chunks over a communicator of their own. Collective over all ranks: made and
/// destroyed by every rank while the Environment lives, used by those that move blocks.
class MpiRing {
 public:
  /// @param next, previous the ranks that this rank sends to and receives from
  MpiRing(int next, int previous);
  MpiRing(const MpiRing&) = delete;
  MpiRing& operator=(const MpiRing&) = delete;
  /// Skipped while an exception is on its way.
  ~MpiRing();

  /// The ring must outlive it.
  [[nodiscard]] std::unique_ptr<RingLink> link();

 private:
  class Link;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace factorps::comm

/// A ring of nodes inside one process, as slow as a test wants it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "comm/ring_link.hpp"

namespace factorps::test {

/// Thread-safe; must outlive its links.
class LocalRing {
 public:
  /// @param next where the parcels of each node go [node]
  /// @param delay how many times a receiver looks in vain before a parcel has arrived
  explicit LocalRing(std::vector<int> next, std::uint32_t delay = 0);
  ~LocalRing();

  [[nodiscard]] std::unique_ptr<comm::RingLink> link(int node);

 private:
  class Link;
  struct OnItsWay {
    std::vector<std::byte> bytes;
    std::uint32_t looks;  // that are still in vain
  };
  struct Mailbox {
    std::mutex mutex;
    std::deque<OnItsWay> parcels;
  };
  std::vector<int> next_;
  std::uint32_t delay_;
  std::vector<Mailbox> mailboxes_;  // [receiving node]
};

}  // namespace factorps::test

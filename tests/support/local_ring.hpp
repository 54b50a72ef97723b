/// A ring of nodes inside one process, as slow and as unreliable as a test wants it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "comm/ring_link.hpp"

namespace factorps::test {

/// What happens to one parcel.
enum class Loss : std::uint8_t {
  alone,            ///< it never arrives; what is sent after it does
  with_what_comes,  ///< neither it nor what its sender sends after it arrives
};

/// Thread-safe; must outlive its links.
class LocalRing {
 public:
  /// @param next where the parcels of each node go [node]
  /// @param delay how many times a receiver looks in vain before a parcel has arrived
  explicit LocalRing(std::vector<int> next, std::uint32_t delay = 0);
  ~LocalRing();

  [[nodiscard]] std::unique_ptr<comm::RingLink> link(int node);
  /// Loses parcel n = 0, 1, 2 ... of those that a node sends. Before anything is sent.
  void lose(int node, std::uint64_t n, Loss how) { lost_ = {node, n, how}; }

 private:
  struct Lost {
    int node = -1;
    std::uint64_t n = 0;
    Loss how = Loss::alone;
    [[nodiscard]] bool takes(std::size_t sender, std::uint64_t parcel) const noexcept {
      const bool its = static_cast<int>(sender) == node;
      return its && (how == Loss::alone ? parcel == n : parcel >= n);
    }
  };
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
  Lost lost_;
  std::vector<Mailbox> mailboxes_;  // [receiving node]
};

}  // namespace factorps::test

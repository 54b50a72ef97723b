/// What a network does to messages, on purpose.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "comm/transport.hpp"

namespace factorps::test {

/// No faults by default.
struct MessageFaults {
  /// How often at most a receiver looks in vain before a message has arrived; each message has a
  /// number of its own, drawn with the seed.
  std::uint32_t most_delay = 0;
  std::uint64_t seed = 1;
  /// Asked for every message that is sent: true: it never arrives.
  std::function<bool(comm::RoleId from, comm::RoleId to, comm::Tag tag)> lost;
};

/// The link of a role over a bad network. Messages stay in order. The faults must outlive it.
[[nodiscard]] std::unique_ptr<comm::Transport> faulty_link(std::unique_ptr<comm::Transport> link,
                                                           comm::RoleId role,
                                                           const MessageFaults& faults);

}  // namespace factorps::test

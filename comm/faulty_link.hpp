/// What a network does to messages, on purpose. For the transport between roles of one process.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "comm/transport.hpp"
#include "common/fault.hpp"

namespace factorps::comm {

/// No faults by default.
struct MessageFaults {
  /// How often at most a receiver looks in vain before a message has arrived; each message has a
  /// number of its own, drawn with the seed.
  std::uint64_t most_delay = 0;
  std::uint64_t seed = 1;
  /// Asked for every message that is sent, perhaps by several threads: true: it never arrives.
  std::function<bool(RoleId from, RoleId to, Tag tag)> lost;
};

/// What the faults `delay` and `drop` among these mean. @throws ConfigError if no message has the
/// tag that one of them names
[[nodiscard]] MessageFaults message_faults(std::span<const Fault> faults);

/// The link of a role over a bad network. Messages stay in order. The faults must outlive it.
[[nodiscard]] std::unique_ptr<Transport> faulty_link(std::unique_ptr<Transport> link, RoleId role,
                                                     const MessageFaults& faults);

}  // namespace factorps::comm

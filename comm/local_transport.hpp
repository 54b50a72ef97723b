/// All roles of a job in one process: the same interface as MPI, for tests and for runs without a
/// launcher.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "comm/transport.hpp"

namespace factorps::comm {

/// The mailboxes of all roles. Thread-safe. Must outlive its links.
class LocalHub {
 public:
  explicit LocalHub(int roles) : inboxes_(static_cast<std::size_t>(roles)) {}

  /// The transport of one role; each may be used by its own thread.
  [[nodiscard]] std::unique_ptr<Transport> link(RoleId role);

 private:
  class Link;
  struct Inbox {
    std::mutex mutex;
    std::deque<Envelope> waiting;  // guarded by mutex
  };
  std::vector<Inbox> inboxes_;  // [role]
};

}  // namespace factorps::comm

/// The transport between ranks.
#pragma once

#include <memory>
#include <vector>

#include "comm/environment.hpp"
#include "comm/transport.hpp"

namespace factorps::comm {

/// The mailboxes of the roles that live on this rank, and the way to all others. Two-sided
/// messages only. All calls from the thread that made the Environment.
class MpiHub {
 public:
  /// @param rank_of_role the same on every rank [role]
  MpiHub(const Environment& environment, std::vector<int> rank_of_role);
  MpiHub(const MpiHub&) = delete;
  MpiHub& operator=(const MpiHub&) = delete;
  ~MpiHub();

  /// The transport of a role of this rank. The hub must outlive it.
  [[nodiscard]] std::unique_ptr<Transport> link(RoleId role);
  /// Completes all sends; false if some receiver has not taken its message yet.
  [[nodiscard]] bool drain();

 private:
  class Link;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace factorps::comm

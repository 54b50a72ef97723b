/// Keeps the copies of a table on several nodes alike: what one node has solved goes round the ring
/// to all others.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "comm/messages.hpp"
#include "comm/ring_link.hpp"
#include "comm/transport.hpp"
#include "common/trace.hpp"
#include "ps/block_mover.hpp"
#include "ps/placement.hpp"
#include "ps/tables.hpp"

namespace factorps::ps {

/// One per node, part of its first server. A node sends its own strips (or blocks), each as soon as
/// it is solved, then what it received from the others, but to nobody what is his own: so every row
/// crosses every link but one once. A receive is posted, and the previous node gets a credit for
/// it, before anything is sent.
class RowExchange {
 public:
  /// @param previous the role that sends to this node: it gets the credits
  /// @param tables the copy of this node
  /// @param trace none: nothing is recorded
  /// References must outlive the object.
  RowExchange(comm::Transport& transport, comm::RoleId previous,
              std::unique_ptr<comm::RingLink> ring, const Placement& placement, int node,
              const Tables& tables, TraceRecorder* trace = nullptr);

  void begin(const comm::StartPass& pass);
  void credit() noexcept { ++credits_; }
  /// Never blocks. @return whether anything moved
  bool step();
  /// Whether all copies on this node are new, and all that others await from it is sent.
  [[nodiscard]] bool finished() const noexcept {
    return gone_ == outgoing_.size() && arrived_ == incoming_.size();
  }
  /// What finished() still misses, for people.
  [[nodiscard]] std::string waits_for() const;
  /// Of the pass.
  [[nodiscard]] const Traffic& traffic() const noexcept { return traffic_; }

 private:
  /// Of strips, or of blocks, in the order of sending: those of `first`, of the node after it, ...
  [[nodiscard]] std::vector<std::uint32_t> sequence(int first, int nodes) const;
  [[nodiscard]] RowsView rows_of(std::uint32_t range) const;
  [[nodiscard]] bool solved(std::uint32_t range) const;
  [[nodiscard]] comm::Parcel parcel(std::uint32_t range) const;
  bool send();
  bool post();

  comm::Transport& transport_;
  comm::RoleId previous_;
  std::unique_ptr<comm::RingLink> ring_;
  const Placement& placement_;
  int node_;
  const Tables& tables_;
  TraceRecorder* trace_;
  comm::StartPass pass_;
  bool users_ = false;                   // strips are exchanged, else blocks
  std::uint64_t user_passes_ = 0;        // in which strips were solved, with this one
  std::uint64_t item_passes_ = 0;        // in which blocks were
  std::vector<std::uint32_t> outgoing_;  // of the pass
  std::vector<std::uint32_t> incoming_;
  std::size_t own_ = 0;      // of outgoing_, this node's: first
  std::size_t sending_ = 0;  // of outgoing_, begun
  std::size_t gone_ = 0;
  std::size_t posted_ = 0;  // of incoming_
  std::size_t arrived_ = 0;
  std::uint64_t credits_ = 0;      // since the start of the job
  std::uint64_t sent_before_ = 0;  // in earlier passes
  std::uint64_t received_before_ = 0;
  Clock::time_point since_;  // the last event, for the trace
  Traffic traffic_;
};

}  // namespace factorps::ps

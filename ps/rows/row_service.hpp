/// What a server does for workers of other nodes: sends them rows of its node, takes their pushes.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "comm/spare_bodies.hpp"
#include "comm/transport.hpp"
#include "ps/rows/row_node.hpp"

namespace factorps::ps {

/// Part of a server. What cannot be done yet waits: a pull until its step is open, with bsp a push
/// until the worker's last one is applied. Each worker has at most two pulls and one push here, in
/// messages that are done in their order.
class RowService {
 public:
  /// @param first_worker role of worker 0
  /// References must outlive the object.
  RowService(comm::Transport& transport, const RowNode& node, comm::RoleId first_worker)
      : transport_{transport},
        node_{node},
        first_worker_{first_worker},
        filled_(node.job().workers()) {}

  /// @param envelope pull_rows or push_rows
  /// @throws ProtocolError if it is not what a worker of this job sends
  void receive(comm::Envelope envelope);
  /// Never blocks. @return whether anything was done that had to wait
  bool step();
  [[nodiscard]] bool idle() const noexcept { return waiting_.empty(); }

 private:
  struct Message {
    comm::Envelope envelope;
    std::size_t worker = 0;
    RowHeader header;
    bool done = false;
    [[nodiscard]] std::span<const std::byte> sections() const {
      return std::span{envelope.body}.subspan(sizeof(RowHeader));
    }
  };

  void check_rows(std::span<const RowSection> sections) const;
  [[nodiscard]] bool try_answer(const Message& message);
  void answer(comm::RoleId worker, const RowHeader& question, std::span<const std::byte> asked);
  [[nodiscard]] bool try_take(const Message& message);
  void put_into_mailbox(const Message& message);

  comm::Transport& transport_;
  const RowNode& node_;
  comm::RoleId first_worker_;
  comm::SpareBodies spare_;          // pushes that are applied, for answers
  std::vector<Message> waiting_;     // oldest first
  std::vector<std::size_t> filled_;  // bytes of sections in the mailbox, [worker]
};

}  // namespace factorps::ps

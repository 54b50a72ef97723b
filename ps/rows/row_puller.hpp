/// A worker's way to the rows of other nodes: asks their servers, ahead of need.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "comm/messages.hpp"
#include "comm/transport.hpp"
#include "ps/rows/row_node.hpp"
#include "ps/rows/row_outbox.hpp"

namespace factorps::ps {

/// Whose gradients are pushed and where to: a worker of the job.
struct RowWorker {
  std::size_t number = 0;
  std::vector<comm::RoleId> server_of_node;  ///< whom it asks; [node]
  RowRange own = {};  ///< of the first table: no other worker reads or pushes to them in training
};

/// Nothing blocks.
class RowPuller {
 public:
  /// References must outlive the object.
  RowPuller(comm::Transport& transport, const RowNode& node, const RowWorker& worker,
            comm::RowTraffic& traffic);

  /// Asks for the rows of a step, of the next one or the one after it. Nodes answer when the step
  /// is open there, a message of rows for each question.
  void request(std::uint64_t step, std::span<const TouchedTables> parts);
  /// The same of all workers of the node together, each row once, if they combine
  /// (RowNode::combines); then each of them must, for the same steps.
  void request_together(std::uint64_t step, std::span<const TouchedTables> parts);
  /// Takes what has come, and asks for what all workers of the node have listed by now.
  void advance();
  /// Whether there is a next pull, and it waits for other nodes.
  [[nodiscard]] bool waits() const;
  /// Step of the next pull.
  [[nodiscard]] std::uint64_t step() const { return pulls_.front().step; }
  [[nodiscard]] bool none() const noexcept { return pulls_.empty(); }
  /// Fills in what has come of the next pull, which waits() for more.
  void fill_some(std::span<TouchedTables> parts);
  /// Fills in the values of rows of other nodes, when the next pull waits() no more, and ends it.
  void fill(std::span<TouchedTables> parts);
  /// Memory of answers that were filled in.
  [[nodiscard]] comm::SpareBodies& spare() noexcept { return spare_; }

 private:
  /// Rows of one table that a node was asked for.
  struct Piece {
    std::size_t table = 0;
    std::span<const std::uint64_t> rows;
    std::byte* to = nullptr;  ///< for their values; none: they stay in the answer
  };
  /// What one node was asked for, to be answered in one message.
  struct Question {
    int node = 0;
    std::vector<Piece> pieces;
    std::vector<std::byte> answer;  // RowHeader, then values
    bool answered = false;
    bool filled = false;
  };
  struct Pull {
    std::uint64_t step = 0;
    bool together = false;
    bool asked = false;
    std::vector<std::vector<std::uint64_t>> rows;  // [node][table]
    std::vector<Question> questions;
  };

  /// Cuts into questions whose answers are of the size of a message.
  void ask(Pull& pull, int node, Piece piece, std::size_t& room);
  /// Many questions to a node go in one message.
  void send(const Pull& pull);
  void send(std::uint64_t step, std::span<const Question> questions, std::size_t bytes);
  [[nodiscard]] static std::size_t bytes_of(const Question& question);
  void ask_together(Pull& pull);
  void take(comm::Envelope envelope);
  void deliver(Question& question);
  void fill(std::size_t table, std::span<const std::uint64_t> rows, const std::byte* values,
            std::span<TouchedTables> parts) const;
  [[nodiscard]] std::size_t row_bytes(std::size_t table) const {
    return node_.layout().tables()[table].width * sizeof(float);
  }
  [[nodiscard]] comm::RoleId server_of(int node) const {
    return worker_.server_of_node.at(static_cast<std::size_t>(node));
  }

  comm::Transport& transport_;
  const RowNode& node_;
  const RowWorker& worker_;
  comm::RowTraffic& traffic_;
  std::uint32_t part_;      // of the workers of the node
  std::deque<Pull> pulls_;  // oldest first
  comm::SpareBodies spare_;
};

}  // namespace factorps::ps

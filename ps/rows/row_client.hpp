/// A worker's way to rows: pull, push, clock.
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
};

/// Pulls and pushes of one worker, step by step. Rows of its own node are read where they lie,
/// those of others come from their servers, asked for up to two steps ahead: so messages under way
/// are bounded. Nothing blocks.
class RowClient {
 public:
  /// References must outlive the object.
  RowClient(comm::Transport& transport, const RowNode& node, RowWorker worker);

  /// @param rate_factor of the learning rate, from now on
  void begin(float rate_factor);
  /// Asks other nodes for the rows of a step: of the next one, or the one after it. They answer
  /// when the step is open there (RowNode::open), a message of rows for a message of questions.
  void request(std::uint64_t step, std::span<const TouchedTables> parts);
  /// Fills in the values of what was asked for first and not yet pulled.
  /// @return whether all was there; else nothing has changed
  [[nodiscard]] bool try_pull(std::span<TouchedTables> parts);
  /// Sends gradients where their rows are, each row once, and ends the worker's step.
  /// @param examples of the step, of all workers
  /// @throws DataError if a gradient is not finite or too large to be summed
  void push(std::span<const TouchedTables> parts, std::uint64_t examples);
  /// bsp: applies this worker's share of the step, when it has come from everybody.
  /// @return whether the step is done on this node
  [[nodiscard]] bool try_finish();

  /// Whether the next pull waits for other nodes.
  [[nodiscard]] bool asks_others() const;
  /// Steps pushed since the start of the job.
  [[nodiscard]] std::uint64_t step() const noexcept { return step_; }
  /// Since begin().
  [[nodiscard]] const comm::RowTraffic& traffic() const noexcept { return traffic_; }

 private:
  /// What one node was asked for in one message.
  struct Question {
    int node = 0;
    std::vector<std::vector<std::uint64_t>> rows;  // [table]
    std::vector<std::byte> answer;                 // RowHeader, then values table by table
    bool answered = false;
  };
  struct Pull {
    std::uint64_t step = 0;
    std::vector<Question> questions;
  };

  [[nodiscard]] std::vector<Question> questions_to(int node,
                                                   std::span<const TouchedTables> parts) const;
  void send(const Question& question, std::uint64_t step);
  void take_answers();
  [[nodiscard]] comm::RoleId server_of(int node) const {
    return worker_.server_of_node.at(static_cast<std::size_t>(node));
  }
  void fill_here(std::span<TouchedTables> parts);
  void fill_from(const Question& question, std::span<TouchedTables> parts) const;
  void push_to(int node, std::span<const TouchedTables> parts, std::uint64_t examples);

  comm::Transport& transport_;
  const RowNode& node_;
  RowWorker worker_;
  std::uint32_t part_ = 0;  // of the workers of this node
  std::uint32_t parts_ = 0;
  std::uint64_t step_ = 0;
  bool share_applied_ = true;
  float rate_factor_ = 1;
  std::deque<Pull> pulls_;  // oldest first
  RowOutbox outbox_;
  comm::RowTraffic traffic_;
};

}  // namespace factorps::ps

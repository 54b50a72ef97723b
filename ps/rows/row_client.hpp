/// A worker's way to rows: pull, push, clock.
#pragma once

#include <cstdint>
#include <span>

#include "comm/messages.hpp"
#include "comm/transport.hpp"
#include "ps/rows/row_node.hpp"
#include "ps/rows/row_outbox.hpp"
#include "ps/rows/row_puller.hpp"

namespace factorps::ps {

/// Pulls and pushes of one worker, step by step. Rows of its own node are read where they lie,
/// those of others come from their servers, asked for up to two steps ahead: so messages under way
/// are bounded. Nothing blocks.
class RowClient {
 public:
  /// References must outlive the object.
  RowClient(comm::Transport& transport, const RowNode& node, RowWorker worker);
  RowClient(const RowClient&) = delete;
  RowClient& operator=(const RowClient&) = delete;

  /// @param rate_factor of the learning rate, from now on
  void begin(float rate_factor);
  /// Asks other nodes for the rows of a step that this worker alone wants to look at.
  void request(std::uint64_t step, std::span<const TouchedTables> parts) {
    puller_.request(step, parts);
  }
  /// The same for a step that every worker trains: with bsp those of a node ask together.
  void request_together(std::uint64_t step, std::span<const TouchedTables> parts) {
    puller_.request_together(step, parts);
  }
  /// Fills in the values of what was asked for first and not yet pulled.
  /// @return whether all was there; else ask again with the same parts, of which some are filled
  [[nodiscard]] bool try_pull(std::span<TouchedTables> parts);
  /// Sends gradients where their rows are, each row once, and ends the worker's step.
  /// @param examples of the step, of all workers
  /// @throws DataError if a gradient is not finite or too large to be summed
  void push(std::span<const TouchedTables> parts, std::uint64_t examples);
  /// bsp: sends its part of what the workers of the node have added up, and applies its share of
  /// the step, each when it has come from everybody.
  /// @return whether the step is done on this node
  [[nodiscard]] bool try_finish();

  /// Lets messages go on their way, for who waits for something else.
  void advance() { puller_.advance(); }

  /// Whether the next pull waits for other nodes.
  [[nodiscard]] bool asks_others() const { return puller_.waits(); }
  /// Steps pushed since the start of the job.
  [[nodiscard]] std::uint64_t step() const noexcept { return step_; }
  /// Since begin().
  [[nodiscard]] const comm::RowTraffic& traffic() const noexcept { return traffic_; }

 private:
  void size_values(std::span<TouchedTables> parts) const;
  void fill_here(std::span<TouchedTables> parts);
  void apply_here(std::span<const TouchedTables> parts, std::span<const RowRange> rows,
                  const RowHeader& header);
  void push_here(std::span<const TouchedTables> parts, const RowHeader& header);
  void send_outbox(int node, const RowHeader& header);
  [[nodiscard]] bool try_send_together();

  comm::Transport& transport_;
  const RowNode& node_;
  RowWorker worker_;
  std::uint32_t part_;  // of the workers of this node
  std::uint32_t parts_;
  std::vector<RowRange> here_;  // rows of this node, [table]
  RowRange own_;                // of the first table, of this node: nobody else waits for them
  std::uint64_t step_ = 0;
  bool sent_ = true;  // what other nodes are to have of the last step
  bool share_applied_ = true;
  float rate_factor_ = 1;
  RowMerge lists_;  // memory
  RowOutbox outbox_;
  comm::RowTraffic traffic_;
  RowPuller puller_;
};

}  // namespace factorps::ps

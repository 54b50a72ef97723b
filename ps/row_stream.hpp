/// Brings the rows of other nodes that a node works with in streamed least squares, and lets its
/// workers begin when they are there.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "comm/messages.hpp"
#include "comm/transport.hpp"
#include "common/trace.hpp"
#include "ps/shard_store.hpp"
#include "ps/stream_index.hpp"
#include "ps/stream_node.hpp"

namespace factorps::ps {

/// One per node, part of its first server. A pass has stages: units that begin together because
/// they need the same rows. The rows of a stage are asked for when those that they replace are not
/// needed any more, mostly while earlier stages are at work. Answers have one chunk each, and only
/// so many are awaited at a time.
///
/// A node answers at any time: the table that others ask for does not change in the pass.
class RowStream {
 public:
  /// @param servers the first server of every node [node]
  /// @param trace none: nothing is recorded
  /// References must outlive the object. Puts the node's own blocks in their places.
  RowStream(comm::Transport& transport, std::vector<comm::RoleId> servers, const StreamNode& node,
            TraceRecorder* trace = nullptr);

  void begin(const comm::StartPass& pass);
  /// @param envelope of another node's stream
  /// @throws ProtocolError if it is no such message
  void receive(comm::Envelope envelope);
  /// Never blocks. Tells the node when the pass is complete. @return whether anything moved
  bool step();
  /// What is not complete, for people.
  [[nodiscard]] std::string waits_for() const;
  /// Bytes of questions, rows and sums that this node asked for or sent, in the pass.
  [[nodiscard]] const Traffic& traffic() const noexcept { return traffic_; }

 private:
  struct Stage {
    std::uint64_t units = 0;   ///< of the pass, up to the end of this stage
    std::uint64_t before = 0;  ///< stages, from the first on, that must be done before it is loaded
    std::uint64_t missing = 0;  ///< rows that were asked for and have not come
  };
  struct Question {
    std::size_t stage = 0;
    std::uint64_t slot = 0;  ///< of the first row
    std::uint64_t rows = 0;
  };

  [[nodiscard]] std::vector<Stage> stages_of_pass() const;
  [[nodiscard]] std::vector<Stage> stages_of_batches(const StreamIndex& index) const;
  [[nodiscard]] std::vector<Load> loads_of(std::size_t stage) const;
  [[nodiscard]] std::vector<Load> loads_of_piece(const GramPiece& piece) const;
  [[nodiscard]] Side side() const;
  [[nodiscard]] std::uint64_t place_of(std::size_t stage) const;
  [[nodiscard]] bool is_gram() const;
  /// Whether a stage may begin only when the one before is done.
  [[nodiscard]] bool one_by_one() const;

  /// Whether all rows of the pass have come and are done with, and all sums of others are here.
  [[nodiscard]] bool finished() const;
  bool index_next();
  bool look_for_done();
  bool ask();
  void ask_for(const Load& load, std::size_t first, std::size_t rows);
  bool open();
  void answer(const comm::Envelope& question);
  void take_rows(int from, const std::vector<std::byte>& body);
  void send_sums(const GramPiece& piece);

  comm::Transport& transport_;
  std::vector<comm::RoleId> servers_;
  const StreamNode& node_;
  TraceRecorder* trace_;
  std::size_t chunk_;                                  // rows of a message
  std::array<std::optional<StreamIndex>, 2> indexes_;  // of [users, items] that are solved
  std::size_t indexed_ = 0;                            // units of the pass
  comm::StartPass pass_;
  std::uint64_t end_ = 0;  // units of all passes so far
  std::uint64_t first_ = 0;
  std::vector<Stage> stages_;
  std::size_t done_ = 0;    // stages
  std::uint64_t unit_ = 0;  // units that were seen done
  std::size_t opened_ = 0;
  std::size_t asking_ = 0;                       // stages whose rows were all asked for
  std::optional<std::vector<Load>> loads_;       // of the stage that is asked for
  std::size_t load_ = 0;                         // of loads_
  std::size_t row_ = 0;                          // of the load
  std::size_t awaited_ = 0;                      // questions
  std::vector<std::deque<Question>> questions_;  // [node] oldest first
  std::uint64_t sums_here_ = 0;    // rows of parts of Gram matrices that came, since the start
  std::uint64_t sums_needed_ = 0;  // of them, up to this pass
  Clock::time_point since_;        // the last event, for the trace
  Traffic traffic_;
};

/// Bytes that a node asks for and sends in a pass that sums up a Gram matrix.
/// @param stride floats of a row @param row_bytes of a row with the question for it
[[nodiscard]] std::uint64_t bytes_of_gram(const StreamMap& map, int node, Side side,
                                          std::size_t stride, std::uint64_t row_bytes);

}  // namespace factorps::ps

/// What the ranks of a node share in streamed least squares besides its rows and lists: which
/// pieces of work may begin, which are done, and what they sum up to.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "comm/messages.hpp"
#include "ps/als_tables.hpp"
#include "ps/stream_map.hpp"

namespace factorps::ps {

/// Every rank of a node makes one over the same memory; it owns nothing. All-zero memory is the
/// valid state before pass 0. Units of a pass are numbered in the order in which they may begin:
///
///   index_rows                          the strips, then the home blocks
///   solve_users, solve_items            the batches of StreamMap::batches()
///   gram_users, gram_items              the tiles of the first piece, of the second, ...
///   evaluate, rank_scores, rank_counts  the strips with the first block, with the second, ...
class StreamNode {
 public:
  /// @param stride floats of a row
  [[nodiscard]] static std::size_t bytes_needed(const StreamMap& map, int node, std::size_t stride);

  /// @param memory bytes_needed(), aligned to kAlignment
  /// References must outlive the object.
  StreamNode(std::span<std::byte> memory, const AlsTables& als, const StreamMap& map, int node);

  [[nodiscard]] const AlsTables& als() const noexcept { return als_; }
  [[nodiscard]] const Tables& tables() const noexcept { return als_.tables(); }
  [[nodiscard]] const StreamMap& map() const noexcept { return map_; }
  [[nodiscard]] int node() const noexcept { return node_; }
  [[nodiscard]] std::uint32_t strips() const noexcept { return strips_.end - strips_.begin; }
  [[nodiscard]] StripId strip(std::uint64_t n) const {
    return StripId{strips_.begin + static_cast<std::uint32_t>(n)};
  }
  [[nodiscard]] const Batches& batches(Side side) const { return batches_[index(side)]; }
  [[nodiscard]] const std::vector<GramPiece>& gram_pieces(Side side) const {
    return pieces_[index(side)];
  }
  [[nodiscard]] const std::vector<BlockId>& blocks() const noexcept { return blocks_; }
  [[nodiscard]] std::size_t tiles() const { return als_.gram_of_users().tiles(); }
  [[nodiscard]] GramSums gram(Side side) const {
    return side == Side::users ? als_.gram_of_users() : als_.gram_of_items();
  }

  /// A row of this node's memory, its own or in the buffer.
  [[nodiscard]] float* row(std::uint64_t at) const {
    return tables().factors() + at * tables().stride();
  }
  [[nodiscard]] float* buffer_row(std::uint64_t slot) const {
    return row(map_.own_rows(node_) + slot);
  }

  /// @throws ProtocolError if there is no such pass
  [[nodiscard]] std::uint64_t units(comm::PassKind kind) const;
  /// Units of all passes so far that may begin: written by who brings their rows.
  [[nodiscard]] std::atomic<std::uint64_t>& open() const;
  /// The pass in which the unit was last done, plus 1.
  [[nodiscard]] std::atomic<std::uint64_t>& done(std::uint64_t unit) const;
  /// The last pass, plus 1, for which all rows and sums of others have come.
  [[nodiscard]] std::atomic<std::uint64_t>& complete() const;
  /// What a batch of users was solved with.
  [[nodiscard]] double& loss(std::uint64_t batch) const;
  /// After solve_users: interactions, loss.
  [[nodiscard]] CellSums sums_of(StripId strip) const;

 private:
  struct Plan {
    std::size_t open = 0;
    std::size_t complete = 0;
    std::size_t done = 0;
    std::size_t losses = 0;
    std::size_t bytes = 0;
  };
  static constexpr std::size_t index(Side side) { return side == Side::users ? 0 : 1; }
  [[nodiscard]] static Plan plan(std::uint64_t units, std::uint64_t batches);

  std::span<std::byte> memory_;
  const AlsTables& als_;
  const StreamMap& map_;
  int node_;
  Share strips_;
  std::vector<Batches> batches_;                // [users, items]
  std::vector<std::vector<GramPiece>> pieces_;  // [users, items]
  std::vector<BlockId> blocks_;
  Plan plan_;
};

}  // namespace factorps::ps

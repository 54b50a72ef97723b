/// Least squares when no node holds a whole table: who holds which rows, and in which pieces a node
/// works. Pure functions of grid, placement and sizes, alike on every rank.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/grid.hpp"
#include "ps/layout.hpp"
#include "ps/placement.hpp"

namespace factorps::ps {

enum class Side : std::uint8_t { users, items };

/// Where a row lies: on a node, so many rows behind the first one of its Tables::factors().
struct RowAddress {
  int node = 0;
  std::uint32_t at = 0;
};

/// Rows that are solved together: of one slice of a strip or block.
struct Batch {
  std::uint32_t range = 0;  ///< number of the strip or home block on its node
  std::uint32_t slice = 0;
  RowRange rows;  ///< of the strip or block
};

/// The rows that a node solves in a pass, kAlsBatch at a time. Batches end where slices end, so
/// that losses are summed up as with whole copies.
class Batches {
 public:
  /// @param rows of each strip or home block of the node
  /// @param slices that each is cut in
  Batches(std::vector<std::uint64_t> rows, std::uint32_t slices);

  [[nodiscard]] std::uint64_t size() const noexcept { return first_.back(); }
  [[nodiscard]] Batch at(std::uint64_t n) const;
  /// The first batch of a slice, or of whatever comes after the last one.
  [[nodiscard]] std::uint64_t first(std::uint32_t range, std::uint32_t slice) const {
    return first_.at(std::size_t{range} * slices_ + slice);
  }

 private:
  std::vector<std::uint64_t> rows_;  // [range]
  std::uint32_t slices_;
  std::vector<std::uint64_t> first_;  // [range x slice], plus the end
};

/// Rows that are added to a part of a Gram matrix at a time.
struct GramPiece {
  std::uint32_t part = 0;
  RowRange rows;           ///< of the table
  std::uint64_t slot = 0;  ///< in the buffer, of the first of them
  bool last = false;       ///< of its part
};

class StreamMap {
 public:
  /// @param visiting places of every node for blocks of others: its buffer
  /// @throws ConfigError if a node would hold 2^32 rows
  /// References must outlive the object.
  StreamMap(const Grid& grid, const Placement& placement, std::uint32_t visiting);

  [[nodiscard]] const Grid& grid() const noexcept { return grid_; }
  [[nodiscard]] const Placement& placement() const noexcept { return placement_; }
  [[nodiscard]] int nodes() const noexcept { return placement_.nodes(); }
  /// What a node holds. @param more_columns as NodeShare says
  [[nodiscard]] NodeShare share(int node, std::uint32_t more_columns) const;

  [[nodiscard]] RowRange users(int node) const;
  [[nodiscard]] RowAddress user(std::uint64_t row) const;
  [[nodiscard]] RowAddress item(std::uint64_t row) const;
  [[nodiscard]] RowAddress address(Side side, std::uint64_t row) const {
    return side == Side::users ? user(row) : item(row);
  }
  /// The rows of the table around this one that stand together on its node.
  [[nodiscard]] RowRange run(Side side, std::uint64_t row) const {
    return side == Side::users ? users(user(row).node) : grid_.items_of(grid_.block_of_item(row));
  }
  [[nodiscard]] int home(BlockId block) const { return home_.at(block.value()).node; }
  /// Rows that a node has of its own, with those that its places for home blocks leave blank.
  [[nodiscard]] std::uint64_t own_rows(int node) const;
  /// Rows of others that a node has at a time; they lie behind its own ones.
  [[nodiscard]] std::uint64_t buffer() const noexcept { return visiting_ * block_rows_; }
  [[nodiscard]] std::uint64_t block_rows() const noexcept { return block_rows_; }
  [[nodiscard]] std::uint32_t visiting() const noexcept { return visiting_; }

  /// Of the rows of one table that the node solves.
  [[nodiscard]] Batches batches(Side side, int node) const;
  /// The node that sums up a part of a Gram matrix: the one with most of its rows.
  [[nodiscard]] int gram_node(Side side, std::uint32_t part) const;
  [[nodiscard]] std::vector<GramPiece> gram_pieces(Side side, int node) const;
  /// All blocks in the order in which a node looks at them: its own ones first.
  [[nodiscard]] std::vector<BlockId> blocks_in_turn(int node) const;

 private:
  const Grid& grid_;
  const Placement& placement_;
  std::uint32_t visiting_;
  std::uint64_t block_rows_ = 0;           // of the largest block
  std::vector<std::uint64_t> first_user_;  // [node], plus the end
  std::vector<RowAddress> home_;           // [block] of its first row
};

/// Rows that a buffer needs at least: for blocks, for pieces of Gram matrices, and for the batch
/// that may touch most rows of other nodes.
/// @param user_counts, item_counts training interactions; empty: not known
[[nodiscard]] std::uint64_t least_buffer(const StreamMap& map,
                                         std::span<const std::uint32_t> user_counts,
                                         std::span<const std::uint32_t> item_counts);

/// Places that hold so many rows, at least what is needed and at most what can be used.
/// @param rows 0: a quarter of what the node with most rows has of its own
[[nodiscard]] std::uint32_t visiting_places(const Grid& grid, const Placement& placement,
                                            std::uint64_t rows,
                                            std::span<const std::uint32_t> user_counts,
                                            std::span<const std::uint32_t> item_counts);

}  // namespace factorps::ps

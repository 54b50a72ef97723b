/// What a worker pushes to one node: of each row one gradient, however many parts of its
/// mini-batch touch it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "comm/spare_bodies.hpp"
#include "ps/rows/row_merge.hpp"
#include "ps/rows/row_node.hpp"

namespace factorps::ps {

/// The rows of one table that a part of a mini-batch touches.
struct TouchedRows {
  std::vector<std::uint64_t> rows;  ///< distinct, ascending
  std::vector<float> values;        // [rows][width]
  std::vector<float> gradients;     ///< sums over the examples, [rows][width]
};

/// A part of a mini-batch that is computed at once.
struct TouchedTables {
  std::uint64_t examples = 0;
  std::vector<TouchedRows> tables;  // [table]
};

class RowMailboxes;

/// @throws DataError if a gradient is not finite, or too large to be summed exactly
void check_gradients(const RowLayout& layout, const TouchedTables& part);

/// Adds what the parts of a mini-batch have for rows of a table. They must stay as they are.
void add_parts(std::span<const TouchedTables> parts, std::size_t table, RowRange rows,
               RowMerge& lists);

class RowOutbox {
 public:
  /// @param layout must outlive the object
  explicit RowOutbox(const RowLayout& layout) : layout_{layout}, tables_(layout.tables().size()) {}

  /// Collects what the parts have, for the rows of a node or for all; they must stay as they are
  /// while this object is asked for it. @param without of the first table
  void collect(std::span<const TouchedTables> parts, std::optional<int> node,
               RowRange without = {});
  /// The same of what all workers of a node have in its mailboxes for another node, in part `part`
  /// of `parts` of its rows.
  void collect(const RowMailboxes& mailboxes, int node, std::uint32_t part, std::uint32_t parts);
  [[nodiscard]] std::uint64_t rows() const noexcept { return rows_; }
  [[nodiscard]] std::uint64_t rows_of(int node) const;
  /// Gradients that were added to others.
  [[nodiscard]] std::uint64_t combined() const noexcept { return combined_; }
  /// Of write().
  [[nodiscard]] std::size_t bytes() const;
  /// The same in messages of about this size, each behind a RowHeader, of which the last is marked;
  /// at least one. Each is sent before the next is written. @param header without the number of
  /// bytes @param spare memory for them
  void send(RowHeader header, std::size_t message_bytes, comm::SpareBodies& spare,
            const std::function<void(std::vector<std::byte>)>& send) const;
  /// Sections. @param to bytes(), aligned to eight
  void write(std::byte* to) const;

 private:
  struct Table {
    std::vector<std::uint64_t> narrow_rows;
    std::vector<const std::byte*> narrow;  // [narrow_rows] of one part
    std::vector<std::uint64_t> wide_rows;
    std::vector<double> wide;  // [wide_rows][width] sums over parts
  };

  /// Rows of one kind of a table, some of which go into a message.
  struct Piece {
    std::size_t table = 0;
    RowValues kind = RowValues::narrow;
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  [[nodiscard]] std::vector<Piece> all_pieces() const;
  [[nodiscard]] std::size_t bytes_of(std::span<const Piece> pieces) const;
  void write(std::span<const Piece> pieces, std::byte* to) const;
  void collect(std::size_t table);

  const RowLayout& layout_;
  std::vector<Table> tables_;
  RowMerge lists_;
  std::uint64_t rows_ = 0;
  std::uint64_t combined_ = 0;
};

}  // namespace factorps::ps

/// Which rows of other nodes a node needs, portion by portion of the rows that it solves, and where
/// each of them stands in the node's buffer.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ps/als_tables.hpp"
#include "ps/stream_map.hpp"

namespace factorps::ps {

/// Rows of one node that come together.
struct Load {
  int node = 0;
  std::vector<std::uint32_t> rows;  ///< RowAddress::at
  std::uint64_t slot = 0;           ///< of the first; the others follow, around the buffer
};

/// The buffer is a ring: rows that are loaded replace those that were loaded longest ago. Rows are
/// loaded for a portion, a run of batches; those that are still there from earlier portions are not
/// loaded again. Everything is a function of the interactions, their order and the buffer.
///
/// The last eighths of the buffer are kept out of use: so portions can be loaded while those before
/// them are solved.
class StreamIndex {
 public:
  /// Batches up to `batches` need `rows` rows besides those loaded before.
  struct Portion {
    std::uint64_t batches = 0;
    std::uint64_t loaded = 0;  ///< rows, for all portions before
    std::uint64_t rows = 0;
    std::uint64_t code = 0;  // where they begin in codes_
  };

  /// @param side the table whose rows are solved
  /// @param map must outlive the object
  StreamIndex(const StreamMap& map, int node, Side side);

  /// The next strip or home block of the node: replaces the rows of the other table in its lists by
  /// where they are in Tables::factors() when they are needed.
  void add(const RowLists& lists);
  /// Frees what only add() needs.
  void finish();

  [[nodiscard]] const std::vector<Portion>& portions() const noexcept { return portions_; }
  /// What a portion loads, node by node.
  [[nodiscard]] std::vector<Load> loads(std::size_t portion) const;
  /// How many portions, all in front of it, must be solved before a portion may be loaded.
  /// [portion]
  [[nodiscard]] std::vector<std::uint64_t> solved_before() const;
  /// Bytes that stay after finish().
  [[nodiscard]] std::uint64_t bytes() const noexcept {
    return codes_.size() + portions_.size() * sizeof(Portion);
  }

 private:
  /// A row that is to be loaded; undone if it does not fit.
  struct Fresh {
    std::uint32_t row = 0;
    std::uint64_t before = 0;  // loaded_at_
  };

  void find_rows_of_table();
  void mark(const RowLists& lists, RowRange rows, std::uint64_t oldest);
  void undo(std::size_t from);
  void close(const RowLists& lists, std::uint64_t end_row, std::uint64_t end_batch);

  const StreamMap& map_;
  int node_;
  Side side_;
  Batches batches_;
  std::uint64_t most_;    // rows that a portion loads, unless it is one batch
  std::uint64_t window_;  // rows that were loaded before and may be used
  std::uint32_t range_ = 0;
  std::uint64_t begun_ = 0;  // row of the range that the portion begins with
  std::uint64_t loaded_ = 0;
  std::vector<std::uint64_t> loaded_at_;  // [row of the other table] 1 + rows loaded before it
  std::vector<std::uint32_t> at_;         // [row of the other table] in Tables::factors()
  std::vector<Fresh> fresh_;
  std::vector<Portion> portions_;
  std::vector<std::uint8_t> codes_;  // by node: how many, then the steps to each, variable length
};

}  // namespace factorps::ps

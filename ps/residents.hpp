/// Item rows that stay behind when their block travels: sparse leases.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "common/aligned_buffer.hpp"
#include "io/dataset.hpp"
#include "model/grid.hpp"
#include "model/kernels/sgd_kernel.hpp"
#include "ps/layout.hpp"
#include "ps/placement.hpp"

namespace factorps::ps {

/// Which rows of a block travel.
enum class LeaseMode : std::uint8_t {
  dense,      ///< all
  sparse,     ///< those with interactions on more than one node
  automatic,  ///< sparse if at least a quarter of the block's rows then stays, else dense
};
/// @param name dense | sparse | auto
[[nodiscard]] LeaseMode lease_mode(std::string_view name);

/// The rows of a block with an interaction in these strips, in any part of the split: 1, else 0.
/// [row of the block]
[[nodiscard]] std::vector<std::uint16_t> touched_rows(const Dataset& dataset, Share strips,
                                                      BlockId block);

/// The rows of a block that travel, ascending. A row that concerns one node, or none, need not.
/// @param nodes how many nodes have interactions with each row [row of the block]
[[nodiscard]] std::vector<std::uint32_t> travelling_rows(std::span<const std::uint16_t> nodes,
                                                         LeaseMode mode);

/// Copies rows[n] of `from` to row n of `to`.
void gather_rows(RowsView from, std::span<const std::uint32_t> rows, RowsView to);
/// Copies row n of `from` to rows[n] of `to`.
void scatter_rows(RowsView from, std::span<const std::uint32_t> rows, RowsView to);

/// What one node keeps of each block: the rows that concern this node alone, and of its home
/// blocks also those that concern none. Nobody else changes them, so they are always current here;
/// in the block's home they are not.
class Residents {
 public:
  /// No rows yet. @param stride floats of a row
  Residents(const Grid& grid, std::size_t stride);

  /// Declares a block that travels in part.
  /// @param travelling from travelling_rows()
  /// @param touched from touched_rows(), of this node
  /// @param home whether the block is at home here
  void declare(BlockId block, std::vector<std::uint32_t> travelling,
               std::span<const std::uint16_t> touched, bool home);

  /// Whether the block travels in part.
  [[nodiscard]] bool in_part(BlockId block) const { return at(block).in_part; }
  /// Rows that travel, if the block travels in part.
  [[nodiscard]] std::span<const std::uint32_t> travelling(BlockId block) const {
    return at(block).travelling;
  }
  /// Rows that this node keeps.
  [[nodiscard]] std::span<const std::uint32_t> staying(BlockId block) const {
    return at(block).staying;
  }
  /// The kept rows, one after another as in staying().
  [[nodiscard]] RowsView kept(BlockId block) const;
  /// Rows of all blocks that travel.
  [[nodiscard]] std::uint64_t num_travelling() const noexcept { return num_travelling_; }
  /// Rows of all blocks that this node keeps.
  [[nodiscard]] std::uint64_t num_staying() const noexcept { return num_staying_; }

 private:
  struct BlockRows {
    bool in_part = false;
    std::vector<std::uint32_t> travelling;
    std::vector<std::uint32_t> staying;
    AlignedBuffer<float> factors;
    AlignedBuffer<RowState> states;
  };
  [[nodiscard]] const BlockRows& at(BlockId block) const { return blocks_.at(block.value()); }

  std::size_t stride_;
  std::uint64_t num_travelling_;
  std::uint64_t num_staying_ = 0;
  std::vector<BlockRows> blocks_;  // [block]
};

/// Adds up, row by row, what the nodes give for the block; every node gives its part.
using SumOverNodes =
    std::function<std::vector<std::uint16_t>(BlockId block, std::vector<std::uint16_t> mine)>;
/// Finds what stays on a node. Every node calls it, and so the sum of every block in ascending
/// order, unless the mode is dense.
[[nodiscard]] Residents find_residents(const Dataset& dataset, const Placement& placement, int node,
                                       std::size_t stride, LeaseMode mode, const SumOverNodes& sum);

/// What find_residents() finds on all nodes together.
struct LeaseCount {
  std::uint64_t travelling = 0;    ///< rows
  std::uint64_t most_staying = 0;  ///< rows, of the node that keeps most
  std::uint64_t staying = 0;       ///< rows, of all nodes
};
[[nodiscard]] LeaseCount count_leases(const Dataset& dataset, const Placement& placement,
                                      LeaseMode mode);

}  // namespace factorps::ps

/// Where strips live and how blocks travel: pure functions of the order of cells, the grid and the
/// nodes.
#pragma once

#include <cstdint>
#include <vector>

#include "model/cell_order.hpp"
#include "ps/layout.hpp"

namespace factorps::ps {

/// The nodes form a ring. Each holds neighbouring strips and, between passes, its home blocks:
/// those that meet their first strip there. In a pass a block visits the strips of its node in
/// descending order, crosses to the node before, and so on until it is home again: `nodes`
/// crossings per pass and block. Every node sees blocks come and go in the order of the ring
/// (CellOrder::ring), so what it holds is a window that slides along the ring, and places in its
/// memory are used in turn.
///
/// Visits of a node are numbered since the start of the job: first its home blocks, then arrivals.
/// With as many places as home blocks and at least one more, no two nodes can wait for each other:
/// there are more places than blocks, and the cell with the lowest step can always go on.
class Placement {
 public:
  /// @param order must outlive the object
  /// @param node_of_strip contiguous, ascending, every node at least once [strip]
  /// @param in_flight places of a node besides those of its home blocks, at least 1
  /// @throws ConfigError if there are fewer blocks than nodes
  Placement(const CellOrder& order, std::vector<int> node_of_strip, std::uint32_t in_flight);

  [[nodiscard]] int nodes() const noexcept { return static_cast<int>(strips_.size()); }
  [[nodiscard]] std::uint32_t blocks() const noexcept {
    return static_cast<std::uint32_t>(order_.ring().size());
  }
  [[nodiscard]] Share strips(int node) const { return strips_.at(static_cast<std::size_t>(node)); }
  /// Between passes, in the order in which they will leave.
  [[nodiscard]] std::vector<BlockId> homes(int node) const;
  /// Places for blocks in the memory of the node.
  [[nodiscard]] std::uint32_t places(int node) const;
  /// @param copies with room for copies of what is there between passes
  [[nodiscard]] NodeShare share(int node, bool copies = false) const {
    const auto blocks = static_cast<std::uint32_t>(homes(node).size());
    return {strips(node), nodes() == 1 ? 0 : places(node), true, 0, copies ? blocks : 0};
  }
  /// Where blocks of this node go, and whence they come.
  [[nodiscard]] int next(int node) const noexcept { return (node + nodes() - 1) % nodes(); }
  [[nodiscard]] int previous(int node) const noexcept { return (node + 1) % nodes(); }

  /// Of a pass.
  [[nodiscard]] std::uint32_t steps() const noexcept { return order_.steps(); }
  /// Blocks that a node lets go, and takes in, in one pass.
  [[nodiscard]] std::uint64_t crossings() const noexcept { return nodes() == 1 ? 0 : blocks(); }
  /// The block of a visit.
  [[nodiscard]] BlockId visitor(int node, std::uint64_t visit) const;
  /// The number of the n-th arrival as a visit.
  [[nodiscard]] std::uint64_t visit_of_arrival(int node, std::uint64_t n) const;
  /// Turns that the block has finished, since the start of the job, when visit n ends: it may go.
  [[nodiscard]] std::uint64_t turns_at_departure(int node, std::uint64_t visit) const;
  /// The step of the last cell before that, in its pass.
  [[nodiscard]] std::uint32_t step_at_departure(int node, std::uint64_t visit) const {
    return order_.step_of(StripId{strips(node).begin}, visitor(node, visit));
  }
  /// Turns as above when visit n, an arrival, begins.
  [[nodiscard]] std::uint64_t turns_at_arrival(int node, std::uint64_t visit) const;

 private:
  const CellOrder& order_;
  std::uint32_t in_flight_;
  std::vector<Share> strips_;  // [node]
  std::vector<Share> homes_;   // [node] of places on the ring
};

}  // namespace factorps::ps

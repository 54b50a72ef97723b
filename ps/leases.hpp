/// Who may work on which cell: the turn counters and strip leases of a node.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "model/cell_order.hpp"
#include "ps/tables.hpp"

namespace factorps::ps {

/// The right to change one strip and one block.
struct Lease {
  StripId strip;
  BlockId block;
  std::uint32_t step = 0;
};

/// A worker's view of the cells of its node in one pass. Any idle worker may take any ready cell;
/// no locks, no messages: a compare-and-swap on the strip, a counter on the block.
class Leases {
 public:
  /// @param strips the strips of this node; tables and order must outlive the object
  Leases(const Tables& tables, const CellOrder& order, std::vector<StripId> strips)
      : tables_{tables}, order_{order}, strips_{std::move(strips)} {}

  /// Begins a pass; passes are numbered 0, 1, 2 ... since the start of the job, alike everywhere.
  void begin(std::uint64_t pass);
  /// A cell whose turn has come, if there is one that no other worker holds. Prefers the block
  /// just released, whose rows are still in the cache.
  [[nodiscard]] std::optional<Lease> try_acquire();
  /// Whether the last try_acquire() found a strip that waits for a block of another node.
  [[nodiscard]] bool starved() const noexcept { return starved_; }
  /// Gives a lease back; what was written to the rows is visible to the next holder.
  void release(const Lease& lease);
  /// Whether every strip of this node has finished the pass.
  [[nodiscard]] bool finished() const;

 private:
  [[nodiscard]] std::optional<Lease> try_strip(StripId strip);

  const Tables& tables_;
  const CellOrder& order_;
  std::vector<StripId> strips_;
  std::uint64_t pass_ = 0;
  std::size_t next_ = 0;  // where to look first
  bool starved_ = false;
};

}  // namespace factorps::ps

/// Who may work on which cell: the turn counters and strip leases of a node.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
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

/// A pass among all passes of a job.
struct PassSteps {
  std::uint64_t pass = 0;
  std::uint32_t steps = 0;  ///< CellOrder::steps()
};

/// A pass can pause within: all cells of the steps before some step are done, and none from it on.
/// Every node first holds (hold_pass): no cell begins at a step that none of its cells has begun.
/// The largest of these steps over all nodes is where they pause (pause_pass): every cell before it
/// is worked on, every other one is leased and given back without work, so that turns, blocks and
/// the end of the pass are as ever. A later pass that leaves out the steps before goes on from
/// there.
///
/// @param strips those of the node; none of its servers has another idea of them
/// @return the first step that no cell of the node has begun
[[nodiscard]] std::uint32_t hold_pass(const Tables& tables, Share strips, PassSteps pass);
/// @param step CellOrder::steps(): nothing is left out
void pause_pass(const Tables& tables, std::uint32_t step, PassSteps pass);

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
  /// Whether the pass pauses before the cell of a lease: it is to be given back as it is.
  [[nodiscard]] bool paused_before(const Lease& lease) const;
  /// Which strips wait for which turn of which block, for people: the first few.
  [[nodiscard]] std::string waits_for() const;
  /// Whether every strip of this node has finished the pass.
  [[nodiscard]] bool finished() const;

 private:
  [[nodiscard]] std::optional<Lease> try_strip(StripId strip);
  [[nodiscard]] bool held_before(std::uint64_t step) const;
  [[nodiscard]] std::string wait_of(StripId strip, std::uint64_t progress) const;

  const Tables& tables_;
  const CellOrder& order_;
  std::vector<StripId> strips_;
  std::uint64_t pass_ = 0;
  std::size_t next_ = 0;  // where to look first
  bool starved_ = false;
};

}  // namespace factorps::ps

/// bsp: what all workers, or those of one node, have pushed in a step, as it lies in the mailboxes
/// of a node.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ps/rows/row_merge.hpp"
#include "ps/rows/row_node.hpp"

namespace factorps::ps {

class RowMailboxes {
 public:
  /// @param step that all of these workers have pushed @param all workers of the job; else those of
  /// the node
  /// References must outlive the object.
  RowMailboxes(const RowNode& node, std::uint64_t step, bool all);

  /// Of the step.
  [[nodiscard]] const RowHeader& header() const noexcept { return header_; }
  /// Everything that there is for some rows of a table.
  void merge(std::size_t table, RowRange rows, RowMerge& lists) const;
  /// Rows in the lists, as often as they are there.
  [[nodiscard]] std::uint64_t count(std::size_t table, RowRange rows) const;

 private:
  using List = std::vector<RowSection>;  // of one kind, whose rows ascend
  /// @param first list of this worker or node, of one kind; the other kind comes next
  void take(std::size_t worker, std::size_t first);

  const RowNode& node_;
  RowHeader header_;
  std::vector<std::vector<List>> lists_;  // [table]
};

/// Applies a step that all workers have pushed to part `part` of `parts` of the rows of a node.
/// @param lists memory
void apply_mailboxes(const RowNode& node, std::uint64_t step, std::uint32_t part,
                     std::uint32_t parts, RowMerge& lists);

}  // namespace factorps::ps

/// The sizes of a job in row mode, and what its workers promise each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ps/rows/row_layout.hpp"

namespace factorps::ps {

/// When a worker may read rows at its step t, and when what it pushed is applied.
enum class Consistency : std::uint8_t {
  bsp,  ///< all steps before t, applied at once for all workers: the same bits for every layout
  ssp,  ///< at least all steps before t - staleness, each push applied as it comes
  asp,  ///< whatever there is
};

struct RowPolicy {
  Consistency consistency = Consistency::bsp;
  std::uint64_t staleness = 0;  ///< ssp: steps
};

struct RowJob {
  RowPolicy policy;
  std::uint32_t strips = 0;
  std::uint32_t blocks = 0;         ///< of items
  std::vector<int> node_of_worker;  // [worker]
  /// Rows of each table that a worker touches in a step, at most; [worker][table]
  std::vector<std::vector<std::uint64_t>> most_rows;
  /// What is pulled and pushed travels in messages of about this size: so the first rows arrive
  /// while others are still read, and networks need not ask before they send.
  std::size_t message_bytes = std::size_t{60} << 10;

  [[nodiscard]] std::size_t workers() const noexcept { return node_of_worker.size(); }
  /// Those of a node, ascending.
  [[nodiscard]] std::vector<std::size_t> workers_of(int node) const;
};

/// Room for what workers push in a step, in messages, without headers: offsets within a mailbox.
/// @param rows that they touch, at most; [table] @param workers among which they are divided
[[nodiscard]] std::size_t room_for_pushes(const RowLayout& layout, const RowJob& job,
                                          const std::vector<std::uint64_t>& rows,
                                          std::size_t workers);

}  // namespace factorps::ps

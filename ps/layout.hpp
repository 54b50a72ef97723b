/// Who is who in a job, and who holds what: pure functions of sizes.
#pragma once

#include <cstdint>
#include <vector>

#include "comm/transport.hpp"
#include "common/id.hpp"

namespace factorps::ps {

/// The roles of a job and the ranks and (pretend) nodes they live on. Role 0 is the scheduler,
/// then come the servers, then the workers.
struct JobLayout {
  int servers = 1;  ///< numbered node by node
  int workers = 1;
  std::vector<int> rank_of_role;  // [role]
  std::vector<int> node_of_role;  // [role]
  int nodes = 1;
  /// What strips are placed by, in units of any kind, above 0; empty: workers. [node]
  std::vector<std::uint64_t> speed_of_node = {};

  [[nodiscard]] int roles() const noexcept { return 1 + servers + workers; }
  [[nodiscard]] comm::RoleId server(int n) const noexcept { return 1 + n; }
  [[nodiscard]] comm::RoleId worker(int n) const noexcept { return 1 + servers + n; }
};

/// On one node rank 0 schedules, ranks 1 ... servers serve, the rest work; with `servers` 0, or too
/// few ranks for one rank per role, rank 0 serves too; a job of one rank hosts every role. On
/// several nodes each has a server, its first rank (rank 0 schedules besides), and more of them
/// share further servers; the rest work, and a node of one rank does everything.
/// @param node_of_rank numbers from 0, none left out, rank 0 on node 0 [rank]
/// @throws ConfigError if a node has no worker left
[[nodiscard]] JobLayout layout_of_job(const std::vector<int>& node_of_rank, int servers);

/// A job inside one process: every role on rank 0.
[[nodiscard]] JobLayout layout_of_process(int workers);

/// A share of n things: contiguous, sizes differ by at most one.
struct Share {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};
[[nodiscard]] Share share_of(std::uint32_t n, int part, int parts);

/// What a node holds of a grid.
struct NodeShare {
  Share strips;
  /// Room for blocks that come and go; 0: every block stays, in a place of its own.
  std::uint32_t places = 0;
  /// Blank rows behind each block (RowsView), as the SGD kernels need them. Without, and if every
  /// block stays, all item factors are one table, like the user factors always.
  bool blank_rows = true;
  std::uint32_t more_columns = 0;  ///< of every row, behind its factors
  /// Room for copies of so many blocks, and of all strips, for checkpoints (ps/cut.hpp); 0: none.
  std::uint32_t copies = 0;
};

enum class StripPlacement : std::uint8_t {
  by_speed,  ///< in proportion to JobLayout::speed_of_node
  evenly,    ///< a function of the number of nodes alone
};

/// The node that holds each strip's users: contiguous, so that each node's strips are neighbours in
/// the ring; at least one strip for each node. [strip]
/// @throws ConfigError if there are fewer strips than nodes
[[nodiscard]] std::vector<int> place_strips(std::uint32_t strips, const JobLayout& layout,
                                            StripPlacement placement = StripPlacement::by_speed);

/// The node of each rank. [rank]
[[nodiscard]] std::vector<int> nodes_of_ranks(const JobLayout& layout);

/// How many workers a node has.
[[nodiscard]] int workers_of_node(const JobLayout& layout, int node);

/// The servers of a node. [n] number of the server
[[nodiscard]] std::vector<int> servers_of_node(const JobLayout& layout, int node);

}  // namespace factorps::ps

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
  int servers = 1;
  int workers = 1;
  std::vector<int> rank_of_role;  // [role]
  std::vector<int> node_of_role;  // [role]
  int nodes = 1;

  [[nodiscard]] int roles() const noexcept { return 1 + servers + workers; }
  [[nodiscard]] comm::RoleId server(int n) const noexcept { return 1 + n; }
  [[nodiscard]] comm::RoleId worker(int n) const noexcept { return 1 + servers + n; }
};

/// Rank 0 schedules, ranks 1 ... servers serve, the rest work. With `servers` 0, or too few ranks
/// for one rank per role, rank 0 serves too; a job of one rank hosts every role.
/// @param node_size ranks per pretend node; 0: one node
/// @throws ConfigError if fewer than one worker is left
[[nodiscard]] JobLayout layout_of_job(int ranks, int servers, int node_size);

/// A job inside one process: every role on rank 0.
[[nodiscard]] JobLayout layout_of_process(int workers);

/// A share of n things: contiguous, sizes differ by at most one.
struct Share {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};
[[nodiscard]] Share share_of(std::uint32_t n, int part, int parts);

/// The node that holds each strip's users: contiguous, in proportion to the workers of the nodes,
/// so that each node's strips are neighbours in the ring. [strip]
[[nodiscard]] std::vector<int> place_strips(std::uint32_t strips, const JobLayout& layout);

}  // namespace factorps::ps

/// A simulated node: the real server with its block mover, and workers that rest where real ones
/// would compute.
#pragma once

#include <cstdint>
#include <vector>

#include "model/cell_order.hpp"
#include "ps/layout.hpp"
#include "ps/placement.hpp"
#include "ps/wire.hpp"
#include "work.hpp"

namespace factorps::bench {

/// What all nodes know. One MPI rank per node: role 0 is the scheduler, then each node has a server
/// and one role that stands for its workers.
struct Job {
  Job(Work cells, int nodes, int workers, std::uint32_t in_flight, std::uint64_t seed);

  Work work;
  int workers;  ///< of each node
  ps::JobLayout layout;
  CellOrder order;
  ps::Placement placement;
  std::uint64_t order_seed;
  std::size_t dim = 128;
  ps::WireFormat wire = ps::WireFormat::fp32;
  int passes = 1;
};

/// One training pass.
struct PassTimes {
  double seconds = 0;
  // Sums over all workers, seconds.
  double compute = 0;
  double wait_turn = 0;
  double wait_block = 0;
  std::uint64_t interactions = 0;
  std::uint64_t cells = 0;
  std::uint64_t block_bytes = 0;
  std::uint64_t block_moves = 0;
};

/// The program of one MPI rank, called by its simulated process. @param idle a dataset that nobody
/// looks into; servers must have one
/// @param passes filled by node 0 [pass]
void run_node(const Job& job, int node, const Dataset& idle, std::vector<PassTimes>& passes);

}  // namespace factorps::bench

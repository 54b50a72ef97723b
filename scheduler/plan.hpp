/// What a training will need, before anything runs: memory, files, traffic, and how far the grid
/// lets it scale. Pure functions of sizes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/grid.hpp"

namespace factorps::scheduler {

/// Most memory of one rank besides tables and dataset (program, libraries, MPI buffers): a limit
/// of the design, not a measurement.
inline constexpr std::uint64_t kRankBytes = std::uint64_t{60} << 20;

struct PlanInput {
  Grid grid;
  std::vector<std::uint64_t> cells;  ///< [cell] training interactions
  std::uint64_t dim = 0;
  std::uint64_t seed = 0;              ///< of the training: the order of cells
  std::uint64_t tables_bytes = 0;      ///< of a node: rows with their state, and the counters
  std::uint64_t travelling_items = 0;  ///< rows that cross between nodes
  std::uint64_t staying_bytes = 0;     ///< of a node: rows kept besides the tables
  std::uint64_t wire_bytes_per_factor = sizeof(float);  ///< between nodes
  std::uint64_t dataset_bytes = 0;
  std::uint64_t id_bytes = 0;  ///< of the external ids of users and items
  std::uint64_t ranks = 1;     ///< per node
  std::uint64_t nodes = 1;
  std::uint64_t workers = 1;      ///< in all
  std::uint64_t checkpoints = 1;  ///< kept at most, with the one being written
  bool store_seen = true;
  bool prepared = true;  ///< the dataset is there already
};

struct Plan {
  std::uint64_t interactions = 0;  ///< of the training data
  // Bytes of one node.
  std::uint64_t tables = 0;  ///< shared by its ranks
  std::uint64_t mapped = 0;  ///< dataset pages, shared; the system may drop and read them again
  std::uint64_t ranks = 0;   ///< all its ranks besides
  // Bytes of files.
  std::uint64_t dataset = 0;
  std::uint64_t checkpoint = 0;   ///< one
  std::uint64_t checkpoints = 0;  ///< all that exist at a time
  std::uint64_t model = 0;
  std::uint64_t to_write = 0;       ///< of these, what is not there yet
  std::uint64_t epoch_traffic = 0;  ///< bytes between nodes per epoch
  // Limits of the grid.
  std::uint64_t busy_workers = 0;   ///< that can have a cell at the same time
  std::uint64_t critical_path = 0;  ///< interactions that must follow one another in an epoch
  double largest_speedup = 1;       ///< over one worker, of these workers
};

[[nodiscard]] Plan make_plan(const PlanInput& input);

/// Interactions on the longest chain of cells that must follow one another, because they share a
/// strip or a block (model/cell_order.hpp): the time of an epoch with any number of workers.
[[nodiscard]] std::uint64_t critical_path(const Grid& grid, const std::vector<std::uint64_t>& cells,
                                          std::uint64_t seed);

/// What a node has. Bytes.
struct Room {
  std::uint64_t memory = 0;
  std::uint64_t shared_memory = 0;  ///< file system that backs MPI windows
  std::uint64_t disk = 0;           ///< for the run
};

/// What does not fit, one sentence each with the missing bytes. A job of one rank needs no shared
/// memory.
[[nodiscard]] std::vector<std::string> shortages(const Plan& plan, const Room& room, bool one_rank);

/// Two or three figures and a unit for people.
[[nodiscard]] std::string size_text(std::uint64_t bytes);

}  // namespace factorps::scheduler

/// What a training will need, before anything runs: memory, files, traffic, and how far the grid
/// lets it scale. Pure functions of sizes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/grid.hpp"

namespace factorps::scheduler {

// Memory besides tables that no file backs. Measured with Open MPI 4.1 on Debian 12
// (bench/plan_accuracy), bytes.
/// Of one rank: its heap and the buffers of MPI.
inline constexpr std::uint64_t kRankBytes = std::uint64_t{5600} << 10;
/// Of a server besides, if it writes checkpoints: what they leave, this and its shard, at most
/// kServerMost.
inline constexpr std::uint64_t kServerBytes = std::uint64_t{1800} << 10;
inline constexpr std::uint64_t kServerMost = std::uint64_t{2500} << 10;
/// Of a node whose blocks travel, besides a copy of the largest block: buffers of MPI, this and
/// twice the block, at most kMoverMost.
inline constexpr std::uint64_t kMoverBytes = std::uint64_t{400} << 10;
inline constexpr std::uint64_t kMoverMost = std::uint64_t{1} << 20;
/// Of a node that streams rows: messages on their way.
inline constexpr std::uint64_t kStreamBytes = std::uint64_t{4} << 20;
/// Of a job of one rank, which needs no MPI; its server comes on top.
inline constexpr std::uint64_t kAloneBytes = std::uint64_t{3100} << 10;

/// Least squares on several nodes, which hold both tables whole or not. Bytes.
struct StreamInput {
  bool streamed = false;
  std::string why;                    ///< in words; empty: there was no choice
  std::uint64_t whole_tables = 0;     ///< of the largest node, if they are whole
  std::uint64_t streamed_tables = 0;  ///< of the largest node, if not
  std::uint64_t buffer = 0;           ///< of these, for rows of other nodes
  std::uint64_t epoch_traffic = 0;    ///< of all nodes
  std::uint64_t evaluation_traffic = 0;
  std::uint64_t index = 0;  ///< of the node with most, to know which rows are needed when
  std::uint64_t index_in_all = 0;
};

struct PlanInput {
  Grid grid;
  std::vector<std::uint64_t> cells;  ///< [cell] training interactions
  std::uint64_t dim = 0;
  std::uint64_t seed = 0;          ///< of the training: the order of cells
  std::uint64_t tables_bytes = 0;  ///< of the largest node: rows with their state, and counters
  std::uint64_t tables_in_all = 0;
  std::uint64_t more_columns = 0;  ///< of rows in memory, behind the factors
  bool copies = false;  ///< rows are solved: pieces of work in any order, whole tables or streamed
  StreamInput stream;
  std::uint64_t lanes = 0;             ///< row mode: parts of a step; else 0
  std::uint64_t lane_bytes = 0;        ///< row mode: of all workers, their interactions
  std::uint64_t record_bytes = 0;      ///< row mode: rows with the state of their optimizers
  std::uint64_t row_traffic = 0;       ///< row mode: bytes between nodes per epoch; 0: not known
  std::uint64_t travelling_items = 0;  ///< rows that cross between nodes, without copies
  std::uint64_t staying_bytes = 0;     ///< of the node that keeps most: rows besides the tables
  std::uint64_t staying_in_all = 0;
  std::uint64_t wire_bytes_per_factor = sizeof(float);  ///< between nodes
  std::uint64_t dataset_bytes = 0;
  std::uint64_t id_bytes = 0;  ///< of the external ids in the model
  std::uint64_t ranks = 1;     ///< per node
  std::uint64_t nodes = 1;
  std::uint64_t workers = 1;            ///< in all
  std::uint64_t servers = 1;            ///< in all
  std::uint64_t cores = 1;              ///< in all
  std::uint64_t work = 0;               ///< interactions per worker of the node with most of them
  std::uint64_t validation = 0;         ///< interactions
  std::uint64_t evaluation_passes = 1;  ///< in which blocks travel
  std::uint64_t checkpoints = 1;        ///< kept at most, with the one being written
  bool store_seen = true;
  bool saves = true;            ///< writes checkpoints on the way
  bool copies_to_save = false;  ///< servers copy their rows for that, besides the tables
  std::string waits_to_save;    ///< why training waits while they are written; empty: it goes on
  bool prepared = true;         ///< the dataset is there already
};

struct Plan {
  std::uint64_t interactions = 0;  ///< of the training data
  // Bytes of one node.
  std::uint64_t tables = 0;  ///< shared by its ranks
  std::uint64_t mapped = 0;  ///< dataset pages, shared; the system may drop and read them again
  std::uint64_t ranks = 0;   ///< all its ranks besides
  std::uint64_t held = 0;    ///< tables and ranks of all nodes: what cannot be dropped
  // Bytes of files.
  std::uint64_t dataset = 0;
  std::uint64_t checkpoint = 0;   ///< one
  std::uint64_t checkpoints = 0;  ///< all that exist at a time
  std::uint64_t model = 0;
  std::uint64_t to_write = 0;            ///< of these, what is not there yet
  std::uint64_t epoch_traffic = 0;       ///< bytes between nodes per epoch
  std::uint64_t evaluation_traffic = 0;  ///< the same per evaluation; row mode: not known, 0
  // Limits of the grid.
  std::uint64_t busy_workers = 0;   ///< that can have a cell at the same time
  std::uint64_t critical_path = 0;  ///< interactions that must follow one another in an epoch
  double largest_speedup = 1;       ///< over one worker, of these workers
  std::uint64_t longest_work =
      0;  ///< interactions that one worker does in an epoch, if cores suffice
  std::uint64_t longest_share = 0;  ///< the same for one core of the machines planned for
};

[[nodiscard]] Plan make_plan(const PlanInput& input);

/// Interactions on the longest chain of cells that must follow one another, because they share a
/// strip or a block (model/cell_order.hpp): the time of an epoch with any number of workers.
[[nodiscard]] std::uint64_t critical_path(const Grid& grid, const std::vector<std::uint64_t>& cells,
                                          std::uint64_t seed);

/// Start and end of a pass among several ranks: workers, servers and the scheduler wake from sleeps
/// of up to three milliseconds (common/waiter.hpp). Measured like the memory.
inline constexpr double kPassSeconds = 0.004;

/// What a worker needs for its work, with what it waits for others; measured.
struct Speed {
  double seconds_per_update = 0;
  double seconds_per_prediction = 0;
};

/// Wall times of an epoch.
struct EpochTime {
  double compute_seconds = 0;  ///< of the training pass, if the network is fast enough
  double network_seconds = 0;  ///< that its blocks need; 0: rate unknown or one node
  double train_seconds = 0;    ///< of the two the longer, for blocks travel while workers compute;
                               ///< and kPassSeconds if there are several ranks
  double evaluate_seconds = 0;
};

/// @param bits_per_second of a node's link, in each direction; 0: not known
[[nodiscard]] double network_seconds(const PlanInput& input, const Plan& plan,
                                     double bits_per_second);
[[nodiscard]] EpochTime epoch_time(const PlanInput& input, const Plan& plan, const Speed& speed,
                                   double bits_per_second);

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

/// Every control message, its tag, and how it becomes bytes. Rows never travel in these.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/trace.hpp"

namespace factorps::comm {

/// What kind of message an envelope holds.
enum class Tag : int {
  start_pass = 1,    ///< scheduler -> servers and workers: StartPass
  strips_done = 2,   ///< server -> scheduler: StripsDone
  worker_done = 3,   ///< worker -> scheduler: WorkerDone
  command = 4,       ///< scheduler -> servers: Command
  command_done = 5,  ///< server -> scheduler: CommandDone
  shutdown = 6,      ///< scheduler -> all: no body
  progress = 7,      ///< worker -> scheduler: Progress
  credit = 8,        ///< server -> server of the previous node: room for one more block; no body
  /// worker -> server of another node (ps/rows/row_sections.hpp); in streamed least squares
  /// server -> server of another node (ps/row_stream.cpp)
  pull_rows = 9,
  rows = 10,       ///< the answer
  push_rows = 11,  ///< worker -> server of another node: gradients, and the end of a step
  cut_saved = 12,  ///< server -> scheduler: CommandDone of a cut, when its copies are on disk
  /// server -> server of the next node: of the factors of a block, u16 each, in several messages
  lower_halves = 13,
};

[[nodiscard]] std::string_view name_of(Tag tag);
[[nodiscard]] std::optional<Tag> tag_named(std::string_view name);
[[nodiscard]] std::vector<std::string_view> names_of_tags();

enum class PassKind : std::uint8_t {
  // visits of every cell of the grid
  train,
  evaluate,
  // alternating least squares (ps/als_tables.hpp): pieces in any order
  index_rows,   ///< lists the interactions of every row, once
  solve_items,  ///< against all users
  gram_items,   ///< sums of q q^T over all items
  solve_users,  ///< against all items
  gram_users,
  // with all items on the node
  rank,  ///< where held-out items stand among all
  // the same, with blocks that come by: visits of every cell
  rank_scores,  ///< notes the scores of the held-out items
  rank_counts,  ///< counts the items above each
};

struct StartPass {
  std::uint64_t pass = 0;  ///< 0, 1, 2 ... since this job started
  PassKind kind = PassKind::train;
  std::uint8_t part = 0;           ///< evaluate, rank: Part
  float learning_rate_factor = 1;  ///< train: of the schedule
  std::uint32_t epoch = 0;         ///< being trained, or last trained; for people
  /// train: rows that this cut does not have yet are copied before they change (ps/cut.hpp); 0:
  /// none
  std::uint64_t cut = 0;
  std::uint32_t first_step = 0;  ///< train: earlier steps are done already (ps/leases.hpp)
};

/// Proportional set size of a process: its private pages and its share of the shared ones.
struct MemoryUse {
  std::int64_t process = 0;  ///< distinguishes processes on one node; roles may share one
  std::uint64_t bytes = 0;
  std::uint64_t held = 0;  ///< of these, what no file backs: the system cannot drop it
};

inline constexpr std::size_t kSumsPerStrip = 8;

/// A row that much was pushed to in a pass, in row mode.
struct HotRow {
  std::uint32_t table = 0;
  std::uint64_t row = 0;
  std::uint64_t pushes = 0;  ///< by workers of its node, or by other nodes
};

/// The results of a server's strips, each summed over its cells in ascending order of the block.
struct StripsDone {
  std::uint64_t pass = 0;
  std::vector<std::uint32_t> strips;
  std::vector<double> sums;  ///< kSumsPerStrip for each strip; what they mean depends on the pass
  std::uint64_t block_bytes = 0;  ///< sent to the next node
  std::uint64_t blocks = 0;       ///< sent to the next node
  MemoryUse memory;
  std::vector<HotRow> hot_rows;  ///< users and items of this server with the most pushes
};

/// A sign of life within a pass, about once a second.
struct Progress {
  std::uint64_t pass = 0;
  std::uint64_t interactions = 0;  ///< done by this worker in this pass
};

/// What a worker pulled and pushed in one pass, in row mode.
struct RowTraffic {
  std::uint64_t rows_pulled_here = 0;  ///< of its node
  std::uint64_t rows_pulled_away = 0;  ///< of other nodes
  std::uint64_t cache_hits = 0;        ///< of other nodes, asked for already in the same step
  std::uint64_t rows_pushed_here = 0;
  std::uint64_t rows_pushed_away = 0;
  std::uint64_t gradients_combined = 0;  ///< added to others of the same row before the push
  std::uint64_t combined_on_node = 0;    ///< the same by the workers of a node for other nodes
  std::uint64_t bytes_sent = 0;          ///< to other nodes
  std::uint64_t bytes_received = 0;
  /// How many pulls found the slowest worker so many steps behind; the last: that many or more.
  std::array<std::uint64_t, 8> staleness{};

  RowTraffic& operator+=(const RowTraffic& other) noexcept;
};

/// Where a worker's time went in one pass.
struct WorkerDone {
  std::uint64_t pass = 0;
  std::uint64_t cells = 0;
  std::uint64_t interactions = 0;
  double compute_seconds = 0;     ///< wall time inside cells
  double wait_turn_seconds = 0;   ///< wall time waiting for a turn, or for the others at the end
  double wait_block_seconds = 0;  ///< wall time waiting for a block from another node
  double cpu_seconds = 0;         ///< of the worker's thread, whole pass
  RowTraffic rows;
  MemoryUse memory;
};

enum class CommandKind : std::uint8_t {
  initialise,
  save,  ///< while everybody waits
  load,
  export_model,
  cut,        ///< while training goes on: done when it is noted what to copy; `cut_saved` follows
  copy_rest,  ///< of the cut, because no pass comes that would
  hold,       ///< within a pass: nobody begins a step that nobody has begun
  pause       ///< within a pass: what comes from a step on is left out; ends the hold
};

[[nodiscard]] TraceKind trace_kind(CommandKind kind);

/// Work of the servers; what is not said to come within a pass comes between two.
struct Command {
  CommandKind kind = CommandKind::initialise;
  std::string directory;   ///< save, load: of the checkpoint; export_model: of the run
  std::string provenance;  ///< export_model: JSON text
  /// export_model: read the rows from these files, not from memory
  std::vector<std::string> shards = {};
  std::uint64_t cut = 0;   ///< cut, copy_rest: its number
  std::uint32_t step = 0;  ///< pause; save, cut: of the epoch, 0 between epochs
};

/// A part of a file; as io/checkpoint_file.hpp says.
struct DatasetEntry {
  std::string name;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::uint64_t checksum = 0;
};

/// A file that a server wrote; as io/checkpoint_file.hpp says.
struct FileEntry {
  std::string name;  ///< relative to the directory of the command
  std::uint64_t bytes = 0;
  std::uint64_t checksum = 0;
  std::uint64_t frame = 0;
  std::vector<DatasetEntry> datasets = {};
};

struct CommandDone {
  CommandKind kind = CommandKind::initialise;
  std::vector<FileEntry> files;
  std::string digest;      ///< export_model: SHA-256
  std::string error;       ///< empty: success
  int exit_code = 0;       ///< of the error
  std::uint32_t step = 0;  ///< hold: the first that nobody on the node has begun
};

/// Bytes of a message, by Boost.Serialization; readable by the same build only.
template <class Message>
[[nodiscard]] std::vector<std::byte> encode(const Message& message);
/// @throws ProtocolError if the bytes are not exactly one such message
template <class Message>
[[nodiscard]] Message decode(std::span<const std::byte> bytes);

}  // namespace factorps::comm

/// Faults on purpose, as people write them: "kill rank=2 epoch=3". docs/faults.md has the grammar.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace factorps {

enum class FaultAction {
  kill,      ///< SIGKILL
  freeze,    ///< SIGSTOP
  fail,      ///< a write, sync or rename fails once
  fill,      ///< the disk is full after some bytes
  flip,      ///< a bit of a finished file
  truncate,  ///< a finished file
  delay,     ///< messages within a process
  drop
};

/// What a checkpoint goes through. `writing`, `written` and `load` are of servers, `model` of
/// server 0, the others of rank 0.
enum class CheckpointPhase {
  begin,     ///< its temporary directory is there
  writing,   ///< a shard has some of its rows
  written,   ///< a shard is complete and on disk
  manifest,  ///< the manifest is there, under the temporary name of the directory
  rename,    ///< the directory has its name
  prune,     ///< old ones are about to be removed
  load,      ///< a server is about to read its rows
  model      ///< the model is about to be written
};

enum class FileOperation { write, sync, rename };

/// One fault. Which members count depends on the action.
struct Fault {
  std::string text;  ///< as written
  FaultAction action = FaultAction::kill;
  std::optional<int> rank;  ///< none: every rank
  std::uint64_t nth = 1;    ///< occasion, from 1
  // kill, freeze
  std::optional<double> seconds;  ///< since the start of the process
  std::optional<std::uint64_t> epoch;
  std::optional<std::uint64_t> cell;  ///< of the rank; with `epoch`: within it; from 1
  std::optional<CheckpointPhase> checkpoint;
  // fail, fill, flip, truncate
  std::optional<FileOperation> operation;
  std::string path;  ///< part of the path of the file; empty: any
  int error = 0;     ///< errno
  std::optional<std::uint64_t> bytes;
  std::optional<std::uint64_t> byte;  ///< to flip a bit of; none: the middle of the file
  std::uint64_t bit = 0;
  // delay, drop
  std::uint64_t looks = 0;  ///< that are in vain at most
  std::uint64_t seed = 1;
  std::optional<double> share;  ///< of the messages, to drop
  std::string tag;              ///< name of a message; empty: any
  std::optional<int> from;      ///< roles
  std::optional<int> to;
};

/// @throws ConfigError naming the fault, what is wrong with it and what was expected
[[nodiscard]] Fault parse_fault(std::string_view text);
/// Any number of them with semicolons between. @throws ConfigError
[[nodiscard]] std::vector<Fault> parse_faults(std::string_view text);
[[nodiscard]] std::string_view name_of(CheckpointPhase phase);

}  // namespace factorps

/// Raw files to dataset.h5: read, clean, split, normalise, permute, cut the grid, write.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "io/config.hpp"
#include "io/prepare/chunk.hpp"
#include "io/prepare/summary.hpp"

namespace factorps {

/// A stage of the work and its time on this rank.
struct PreparePhase {
  std::string name;
  double wall_seconds = 0;
  double cpu_seconds = 0;
};

struct PrepareResult {
  PrepareSummary summary;
  std::string fingerprint;
  std::vector<PreparePhase> phases;
};

/// How the ranks of a job share the work. The default: one rank alone.
struct PrepareRanks {
  std::uint32_t rank = 0;
  std::uint32_t size = 1;
  /// Collective: brings the bytes of all ranks to rank 0, in rank order; elsewhere empty.
  std::function<std::vector<std::vector<std::byte>>(std::vector<std::byte>)> gather;
  /// Threads of rank 0; they do not change the file.
  std::uint32_t threads = 1;
  /// [rank] whether rank 0 reads the share of this rank on a thread of its own: rows that need not
  /// travel. The same on all ranks; empty: each rank reads its share.
  std::vector<bool> idle;
};

/// Prepares config.data.dataset. The files are read in as many shares as there are ranks, rank 0
/// does the rest and writes; the file is the same, byte for byte, for every number of ranks.
/// @return on rank 0: what was done; elsewhere nothing
/// @throws ConfigError, DataError, ResourceError; trouble inside a raw file on rank 0 only, also if
/// another rank met it
std::optional<PrepareResult> prepare(const Config& config, const PrepareRanks& ranks = {});

/// What the config asks of rows. @param files tell whether there are times
/// @throws DataError if a step needs times that a file does not have
[[nodiscard]] RowRules row_rules(const Config& config, const std::vector<RawFile>& files);

}  // namespace factorps

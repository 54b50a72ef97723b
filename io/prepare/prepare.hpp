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

/// A stage of the work and its CPU time on this rank.
struct PreparePhase {
  std::string name;
  double cpu_seconds = 0;
};

struct PrepareResult {
  PrepareSummary summary;
  std::string fingerprint;
  std::vector<PreparePhase> phases;
};

/// How the ranks of a job read together. The default: one rank alone.
struct PrepareRanks {
  std::uint32_t rank = 0;
  std::uint32_t size = 1;
  /// Collective: brings the bytes of all ranks to rank 0, in rank order; elsewhere empty.
  std::function<std::vector<std::vector<std::byte>>(std::vector<std::byte>)> gather;
  /// Threads of rank 0 while it sorts: as many as ranks of its machine, which are idle then.
  std::uint32_t threads = 1;
};

/// Prepares config.data.dataset. Every rank reads its share of the files, rank 0 does the rest and
/// writes; the file is the same, byte for byte, for every number of ranks.
/// @return on rank 0: what was done; elsewhere nothing
/// @throws ConfigError, DataError, ResourceError; trouble inside a raw file on rank 0 only, also if
/// another rank met it
std::optional<PrepareResult> prepare(const Config& config, const PrepareRanks& ranks = {});

/// The part of prepare() after reading. @param chunks of all shares in order
[[nodiscard]] PrepareResult prepare_from_chunks(const Config& config, std::vector<RawFile> files,
                                                std::vector<Chunk> chunks,
                                                std::uint32_t threads = 1);

/// What the config asks of rows. @param files tell whether there are times
/// @throws DataError if a step needs times that a file does not have
[[nodiscard]] RowRules row_rules(const Config& config, const std::vector<RawFile>& files);

}  // namespace factorps

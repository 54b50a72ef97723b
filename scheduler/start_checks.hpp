/// Whether the ranks of a job belong together, and whether a machine can carry its part of it:
/// decided before anything is allocated. Pure functions of what the ranks have found out.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "scheduler/machine_room.hpp"

namespace factorps::scheduler {

/// What must be the same on every rank, and where the rank is.
struct RankIdentity {
  std::string host;
  std::string program;        ///< checksum of the executable
  std::string configuration;  ///< the effective one, as TOML
  std::string dataset;        ///< its fingerprint
};

/// @param ranks [rank]
/// @return how the first rank that is not like rank 0 differs from it; empty: all are alike
[[nodiscard]] std::string difference(std::span<const RankIdentity> ranks);

/// What a rank needs of its machine. 0: not its business.
struct Needs {
  std::uint64_t memory = 0;  ///< bytes of all ranks of the machine, which nothing but swap backs
  std::uint64_t disk = 0;    ///< bytes of files that the run has yet to write
  std::uint64_t files = 0;   ///< open at a time by this process
};

/// What it has found there.
struct Found {
  std::string host;
  MemoryRoom memory;
  std::filesystem::path run;  ///< directory of the run
  std::uint64_t disk = 0;
  std::uint64_t files = 0;  ///< the limit of open files
};

/// @return what is missing, with the numbers and what to do; empty: nothing
[[nodiscard]] std::string shortage(const Needs& needs, const Found& found);

}  // namespace factorps::scheduler

/// What a checkpoint's manifest says of one of its files, and whether it is true.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace factorps {

/// A range of bytes of a shard file that holds one dataset.
struct CheckpointDataset {
  std::string name;  ///< "/strips/000012/factors"
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::uint64_t checksum = 0;  ///< XXH3
};

struct CheckpointFile {
  std::string name;  ///< in the checkpoint's directory
  std::uint64_t bytes = 0;
  std::uint64_t checksum = 0;  ///< XXH3 of the whole file
  std::uint64_t frame = 0;     ///< XXH3 of what lies outside of the datasets
  /// By ascending offset, without overlap, all inside the file; checkpoints before version 3: none.
  std::vector<CheckpointDataset> datasets = {};
};

/// Sorts and checks the ranges. @throws CheckpointError if they overlap or leave the file
void arrange_datasets(CheckpointFile& file);

/// Reads a finished file once, and says what is in it. @throws ResourceError
/// @param datasets where they lie, as in CheckpointFile; checksums do not count
[[nodiscard]] CheckpointFile describe_file(const std::filesystem::path& path,
                                           std::vector<CheckpointDataset> datasets = {});

/// In which way a file's size, or what lies outside of its datasets, is not as expected; empty:
/// both are. Reads the latter only.
[[nodiscard]] std::string damage_of_frame(const std::filesystem::path& path,
                                          const CheckpointFile& expected);

/// Everything in which a file is not as expected: sizes, or the names of damaged datasets with both
/// checksums. Empty: it is whole. Reads it once.
[[nodiscard]] std::vector<std::string> damage_of(const std::filesystem::path& path,
                                                 const CheckpointFile& expected);

}  // namespace factorps

/// Checkpoints: directories of shard files and one manifest. docs/formats.md has the layout.
///
///   RUN/checkpoints/epoch-000012/manifest.json, shard-000.h5, shard-001.h5 ...
///
/// A directory is written under a hidden temporary name, forced to disk and renamed: it is there
/// completely or not at all. Nothing in it depends on the number of ranks.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace factorps {

inline constexpr std::uint64_t kCheckpointVersion = 2;

struct CheckpointFile {
  std::string name;  ///< in the checkpoint's directory
  std::uint64_t bytes = 0;
  std::uint64_t checksum = 0;  ///< XXH3 of the whole file
};

struct CheckpointManifest {
  std::uint64_t epoch = 0;      ///< epochs done
  std::string dataset;          ///< Dataset::fingerprint()
  std::string identity;         ///< training_identity() of the config
  std::string instruction_set;  ///< of the kernels
  std::string state;            ///< JSON text of the scheduler
  std::vector<CheckpointFile> files;
};

/// The name of a shard file.
[[nodiscard]] std::string shard_name(int server);
/// Size and checksum of a finished file. @throws ResourceError
[[nodiscard]] CheckpointFile describe_file(const std::filesystem::path& path);

/// The checkpoints of one run. Used by one process at a time.
class CheckpointStore {
 public:
  /// @param directory RUN/checkpoints; created when first written
  explicit CheckpointStore(std::filesystem::path directory) : directory_{std::move(directory)} {}

  /// Creates an empty temporary directory for the checkpoint of this epoch.
  [[nodiscard]] std::filesystem::path begin(std::uint64_t epoch) const;
  /// Writes the manifest into a directory from begin() and publishes it. @return its final path
  std::filesystem::path commit(const std::filesystem::path& temporary,
                               const CheckpointManifest& manifest) const;
  /// Copies a checkpoint of another run. @throws CheckpointError if it is damaged
  void adopt(const std::filesystem::path& checkpoint) const;
  /// Removes leftovers of interrupted writes, and all but the newest `keep` checkpoints and the
  /// one of `best_epoch`.
  void prune(std::size_t keep, std::optional<std::uint64_t> best_epoch) const;
  /// Removes all checkpoints and leftovers, and nothing else. @throws ResourceError
  void clear() const;
  /// Paths of all published checkpoints, newest first.
  [[nodiscard]] std::vector<std::filesystem::path> list() const;
  [[nodiscard]] std::filesystem::path path_of(std::uint64_t epoch) const;

 private:
  std::filesystem::path directory_;
};

/// Reads the manifest only. @throws CheckpointError
[[nodiscard]] CheckpointManifest read_manifest(const std::filesystem::path& checkpoint);

/// Reads the manifest and compares size and checksum of every file.
/// @throws CheckpointError naming the file, what it has and what was expected
[[nodiscard]] CheckpointManifest verify_checkpoint(const std::filesystem::path& checkpoint);

}  // namespace factorps

/// Checkpoints: directories of shard files and one manifest. docs/formats.md has the layout.
///
///   RUN/checkpoints/epoch-000012/manifest.json, shard-000.h5, shard-001.h5 ...
///   RUN/checkpoints/epoch-000012-step-000007/: the same, and seven steps of epoch 13
///   RUN/checkpoints/latest -> epoch-000012-step-000007
///
/// A directory is written under a hidden temporary name, forced to disk and renamed: it is there
/// completely or not at all. Nothing in it depends on the number of ranks.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "io/checkpoint_file.hpp"

namespace factorps {

inline constexpr std::uint64_t kCheckpointVersion = 3;

struct CheckpointManifest {
  std::uint64_t epoch = 0;      ///< epochs done
  std::string dataset;          ///< Dataset::fingerprint()
  std::string identity;         ///< training_identity() of the config
  std::string instruction_set;  ///< of the kernels
  std::string state;            ///< JSON text of the scheduler
  std::vector<CheckpointFile> files;
  std::uint64_t version = kCheckpointVersion;  ///< as read
  /// Of the next epoch, that are done: all cells of earlier steps (model/cell_order.hpp), no
  /// others; in row mode all mini-batches before.
  std::uint32_t step = 0;
};

/// The name of a shard file.
[[nodiscard]] std::string shard_name(int server);

/// Which checkpoints stay when a new one is there.
struct KeepPolicy {
  std::size_t newest = 1;
  std::optional<std::uint64_t> best_epoch;
  std::uint64_t every = 0;  ///< those of epochs that this divides; 0: none
};

/// The checkpoints of one run. Used by one process at a time.
class CheckpointStore {
 public:
  /// @param directory RUN/checkpoints; created when first written
  explicit CheckpointStore(std::filesystem::path directory) : directory_{std::move(directory)} {}

  /// Creates an empty temporary directory for the checkpoint of this epoch and step.
  [[nodiscard]] std::filesystem::path begin(std::uint64_t epoch, std::uint32_t step = 0) const;
  /// Writes the manifest into a directory from begin(), reads it back and publishes the checkpoint.
  /// The files must be on disk. @return its final path
  std::filesystem::path commit(const std::filesystem::path& temporary,
                               const CheckpointManifest& manifest) const;
  /// Copies a checkpoint of another run. @throws CheckpointError if it is damaged
  void adopt(const std::filesystem::path& checkpoint) const;
  /// Removes leftovers of interrupted writes, and checkpoints that the policy does not keep. To be
  /// called only when the newest is known to be whole.
  void prune(const KeepPolicy& policy) const;
  /// Removes all checkpoints and leftovers, and nothing else. @throws ResourceError
  void clear() const;
  /// Paths of all published checkpoints, newest first. Where a crash left one that was about to be
  /// replaced by one of the same epoch, but not the new one, it is listed under its hidden name.
  [[nodiscard]] std::vector<std::filesystem::path> list() const;
  [[nodiscard]] std::filesystem::path path_of(std::uint64_t epoch, std::uint32_t step = 0) const;
  /// What `latest` points to, for people and scripts; a resume does not ask.
  [[nodiscard]] std::optional<std::filesystem::path> latest() const;

 private:
  /// @param manifest its text
  std::filesystem::path publish(const std::filesystem::path& temporary,
                                const std::filesystem::path& final_path,
                                const std::string& manifest) const;
  void point_latest_at(const std::filesystem::path& checkpoint) const;

  std::filesystem::path directory_;
};

/// Reads the manifest only, and checks it against its own checksum. @throws CheckpointError
[[nodiscard]] CheckpointManifest read_manifest(const std::filesystem::path& checkpoint);

/// Reads the manifest, and of every file what lies outside of its datasets; before version 3, which
/// knew no checksums of parts, everything. What is left is checked while it is loaded.
/// @throws CheckpointError
[[nodiscard]] CheckpointManifest look_at_checkpoint(const std::filesystem::path& checkpoint);

/// Everything that is wrong with the files of a checkpoint. Reads all of them once.
[[nodiscard]] std::vector<std::string> damage_of(const std::filesystem::path& checkpoint,
                                                 const CheckpointManifest& manifest);

/// Reads everything. @throws CheckpointError naming the file, what it has and what was expected
[[nodiscard]] CheckpointManifest verify_checkpoint(const std::filesystem::path& checkpoint);

}  // namespace factorps

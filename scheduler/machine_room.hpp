/// What a machine has free for a training, read from the files in which Linux says so.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>

namespace factorps::scheduler {

inline constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

/// Memory that can still be had, and who grants it. Bytes.
struct MemoryRoom {
  std::uint64_t free = kNoLimit;
  std::uint64_t limit = kNoLimit;
  std::string of;  ///< the machine, or a control group by its name
};

/// What the machine can still give without swapping (MemAvailable, man 5 proc).
/// @param root "/", or a directory with files like those of one
[[nodiscard]] MemoryRoom machine_memory(const std::filesystem::path& root);

/// What the tightest of the control groups that this process is in leaves (a SLURM job or step, a
/// container), versions 1 and 2. Pages of files do not count as used: the kernel drops them first.
/// @param root as above
[[nodiscard]] MemoryRoom control_group_memory(const std::filesystem::path& root);

/// The tighter of both.
[[nodiscard]] MemoryRoom free_memory(const std::filesystem::path& root = "/");

/// Free bytes of the file system of a path, or of its nearest parent that exists;
/// kNoLimit if it does not say.
[[nodiscard]] std::uint64_t free_disk(std::filesystem::path path);

/// All files below a directory. Bytes; 0 if there is none.
[[nodiscard]] std::uint64_t bytes_below(const std::filesystem::path& directory);

}  // namespace factorps::scheduler

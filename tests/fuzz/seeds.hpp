/// Good files to start from that are too large, or too much of this build, to keep in a corpus.
#pragma once

#include <cstddef>
#include <filesystem>

namespace factorps::fuzz {

inline constexpr std::size_t kShardRows = 5;
inline constexpr std::size_t kShardDim = 3;

/// 12 users, 9 items, 2 x 2 cells, every part, normalised by item, with attributes.
void write_dataset_seed(const std::filesystem::path& path);
/// 4 users, 3 items, dim 2, seen items.
void write_model_seed(const std::filesystem::path& path);
/// Two strips and two blocks of kShardRows rows, one block with residents, and a table of row
/// mode.
void write_shard_seed(const std::filesystem::path& path);

/// All of the above and messages, each in the directory of its target.
void write_seeds(const std::filesystem::path& directory);

}  // namespace factorps::fuzz

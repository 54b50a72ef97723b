/// What programs do with HDF5 files: the whole way from opening to the last number.
#pragma once

#include <filesystem>

namespace factorps::fuzz {

void use_dataset(const std::filesystem::path& file);
void use_model(const std::filesystem::path& file);
/// As one with the strips and blocks of the seeds.
void use_shard(const std::filesystem::path& file);

}  // namespace factorps::fuzz

/// Datasets of any shape for tests; link factorps_dataset_support.
#pragma once

#include <cstdint>
#include <filesystem>

#include "io/dataset_writer.hpp"

namespace factorps::test {

/// What a synthetic dataset looks like.
struct SyntheticShape {
  std::uint32_t users = 60;
  std::uint32_t items = 40;
  std::uint32_t strips = 4;
  std::uint32_t blocks = 3;
  std::uint32_t per_user = 12;  ///< interactions, all different
  std::uint64_t seed = 1;
};

/// Ratings 1 to 5 that depend on user and item, so that there is something to learn. Of seven
/// interactions five are for training, one for validation, one for testing. The last user and the
/// last item are cold: in validation and test only. Ids are u0, u1 ... and 100, 101 ...
[[nodiscard]] DatasetContents synthetic_contents(const SyntheticShape& shape = {});

/// Writes it. @return the path
std::filesystem::path write_synthetic(const std::filesystem::path& path,
                                      const SyntheticShape& shape = {});

}  // namespace factorps::test

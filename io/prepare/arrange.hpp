/// From dense ids to the rows of the tables: unused ids go, the rest is permuted by seed, the grid
/// is cut.
#pragma once

#include <cstdint>

#include "io/config.hpp"
#include "io/dataset_writer.hpp"
#include "io/prepare/grouped.hpp"

namespace factorps {

/// @param normalisation by dense id, already applied to the values
/// @param threads that renumber; they do not change the result
/// @return contents without value range, seed and summary
/// @throws ConfigError if the grid of the config is not possible
[[nodiscard]] DatasetContents arrange(GroupedRows data, const IdTable& user_ids,
                                      const IdTable& item_ids, const Normalisation& normalisation,
                                      const Config& config, std::uint32_t threads = 1);

}  // namespace factorps

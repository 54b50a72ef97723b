/// Rows that row mode leaves as they are, by the names that the configuration gives them.
#pragma once

#include <cstdint>
#include <vector>

#include "io/config.hpp"
#include "io/dataset.hpp"
#include "ps/rows/row_settings.hpp"

namespace factorps::apps {

/// Finds what rows.frozen_users, rows.frozen_items and rows.frozen_attributes name.
/// @throws DataError naming file and line if the dataset has no such user or item, ConfigError if
///         no such attribute, or value of it, is a feature of the model
void find_frozen_rows(const Config& config, const Dataset& dataset, ps::RowSettings& settings);

}  // namespace factorps::apps

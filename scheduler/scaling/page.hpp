/// A scaling experiment as one HTML page that needs nothing else, and its directory.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "scheduler/scaling/summary.hpp"

namespace factorps::scheduler {

/// Whether `factorps bench scaling` has summed up here.
[[nodiscard]] bool is_scaling_directory(const std::filesystem::path& directory);

/// The results of runs in DIRECTORY/runs that the configuration plans.
/// @throws ConfigError if one was made with another configuration; DataError if one is damaged, or
///         if there are none
[[nodiscard]] std::vector<ScalingRecord> read_records(const std::filesystem::path& directory,
                                                      const Config& config);

/// Pure: equal summaries give equal pages.
[[nodiscard]] std::string scaling_page(const ScalingSummary& summary, const std::string& name,
                                       const std::string& config);

}  // namespace factorps::scheduler

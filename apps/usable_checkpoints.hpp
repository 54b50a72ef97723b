/// `factorps inspect --verify`: which checkpoints can be used, and why others cannot.
#pragma once

#include <filesystem>

#include <nlohmann/json_fwd.hpp>

#include "common/error.hpp"

namespace factorps::apps {

/// Reads all of a checkpoint, or of those of a run, and compares them with what the run's
/// configuration and dataset are now.
/// @param worst becomes ExitCode::checkpoint if any cannot be used
[[nodiscard]] nlohmann::ordered_json usable_checkpoints(const std::filesystem::path& path,
                                                        ExitCode& worst);

}  // namespace factorps::apps

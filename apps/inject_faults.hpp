/// The faults of this process: those of the configuration and of FACTORPS_FAULTS; docs/faults.md.
#pragma once

#include <string>
#include <vector>

#include "comm/environment.hpp"

namespace factorps::apps {

/// From now on what the environment says goes wrong, and what the configuration says.
/// @param inject `faults.inject`
/// @throws ConfigError
void inject_faults(const std::vector<std::string>& inject, const comm::Environment& environment);

}  // namespace factorps::apps

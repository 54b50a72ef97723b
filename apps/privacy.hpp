/// run.private: what a command writes may be read by its owner only.
#pragma once

#include "io/config.hpp"

namespace factorps::apps {

/// Before anything is written. With run.private, files and directories that this process makes are
/// its owner's alone, and the run's directory, if it is there already, becomes so.
/// @throws ResourceError if the directory's mode cannot be changed
void keep_private(const Config& config);

}  // namespace factorps::apps

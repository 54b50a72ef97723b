/// What every rank finds out about itself and its machine before the job takes any memory. All are
/// collective, and every rank throws the same.
#pragma once

#include "comm/environment.hpp"
#include "io/config.hpp"
#include "io/dataset.hpp"
#include "ps/layout.hpp"

namespace factorps::apps {

/// @throws ConfigError if the ranks run different executables or have different configurations, or
///         if the run was asked to stop (stop_requests.hpp) and the request is still there
void check_ranks(const Config& config, const comm::Environment& environment);

/// Opens the dataset and verifies each rank's share of it.
/// @throws DataError if it cannot be used, ConfigError if the ranks have different ones
[[nodiscard]] Dataset open_dataset(const Config& config, const comm::Environment& environment);

/// Lets this process open as many files as it will need, if it may.
/// @throws ResourceError if memory (of the machine or its control groups), disk or the limit of
/// open
///         files do not suffice
void check_machines(const Config& config, const Dataset& dataset, const ps::JobLayout& layout,
                    const comm::Environment& environment);

}  // namespace factorps::apps

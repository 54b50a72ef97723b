/// Whether machines have memory for the copies of rows with which checkpoints are written while
/// training goes on (checkpoint.background).
#pragma once

#include <cstdint>
#include <string>

#include "comm/environment.hpp"
#include "io/config.hpp"
#include "io/dataset.hpp"
#include "ps/layout.hpp"
#include "scheduler/plan.hpp"

namespace factorps::apps {

/// What a machine must hold with the copies. Bytes.
struct CopiesOfRows {
  std::uint64_t memory = 0;
  std::uint64_t shared = 0;  ///< of these, in /dev/shm
};

/// @return what is missing; empty: nothing
[[nodiscard]] std::string lack_of_room(const CopiesOfRows& need, const scheduler::Room& room);

/// The configuration with checkpoint.background as every machine of the job has room for. The
/// model's bits do not depend on it. Collective; rank 0 says why, if it is off then.
[[nodiscard]] Config decide_background(const Config& config, const Dataset& dataset,
                                       const ps::JobLayout& layout,
                                       const comm::Environment& environment);

}  // namespace factorps::apps

/// One answer for all ranks to a question that each can answer for itself only.
#pragma once

#include <string>

#include "comm/environment.hpp"

namespace factorps::comm {

/// Collective over all ranks.
/// @param mine what is wrong here; empty: nothing
/// @return on every rank what the first one has said with which something is wrong; else empty
[[nodiscard]] std::string first_problem(const Environment& environment, const std::string& mine);

}  // namespace factorps::comm

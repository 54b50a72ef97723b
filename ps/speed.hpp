/// How fast each node has been, and what that means for a placement of strips: pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "comm/messages.hpp"
#include "ps/layout.hpp"

namespace factorps::ps {

/// Interactions per second that the workers of each node get through together while they compute;
/// empty if some node has not computed. [node]
/// @param workers one pass, or a sum of passes [worker]
[[nodiscard]] std::vector<std::uint64_t> speeds_of_nodes(const JobLayout& layout,
                                                         std::span<const comm::WorkerDone> workers);

/// Seconds that the node which takes longest computes in an epoch.
/// @param strips interactions [strip]
/// @param node_of_strip from place_strips() [strip]
/// @param speeds from speeds_of_nodes() [node]
[[nodiscard]] double longest_computing(std::span<const std::uint64_t> strips,
                                       std::span<const int> node_of_strip,
                                       std::span<const std::uint64_t> speeds);

}  // namespace factorps::ps

/// Whether the nodes of a job hold whole tables for least squares (ials.copies).
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "apps/roles.hpp"
#include "comm/environment.hpp"
#include "io/config.hpp"
#include "io/dataset.hpp"
#include "ps/layout.hpp"

namespace factorps::apps {

/// Bytes of the tables of some nodes.
[[nodiscard]] std::uint64_t bytes_of_nodes(const JobMap& map, const Grid& grid, std::int64_t dim,
                                           std::span<const std::uint64_t> cells,
                                           const std::set<int>& nodes);

/// The nodes on the machine of this rank.
/// @param node_of_rank node of every rank of the job
[[nodiscard]] std::set<int> nodes_here(const std::vector<int>& node_of_rank,
                                       const comm::Environment& environment);

/// Bytes of the tables of the machine that has most of them.
struct CopiesNeed {
  std::uint64_t whole = 0;
  std::uint64_t streamed = 0;
};
/// @param dataset none: it is not there yet
/// @param machines their nodes
[[nodiscard]] CopiesNeed need_of_copies(const Config& config, const Grid& grid,
                                        const ps::JobLayout& layout, const Dataset* dataset,
                                        std::span<const std::uint64_t> cells,
                                        const std::vector<std::set<int>>& machines);

/// Whether there is something to decide.
[[nodiscard]] bool asks_for_copies(const Config& config, int nodes);

/// The configuration with ials.copies "auto" replaced by what every machine of the job has room
/// for: whole tables, else streamed ones. The model's bits do not depend on it. Collective.
/// @throws ResourceError with the numbers of a machine that has room for neither, on every rank
[[nodiscard]] Config decide_copies(const Config& config, const Dataset& dataset,
                                   const ps::JobLayout& layout,
                                   const comm::Environment& environment);

}  // namespace factorps::apps

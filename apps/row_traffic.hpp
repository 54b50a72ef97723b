/// What rows cross between nodes in an epoch of row mode, as far as it can be known beforehand.
#pragma once

#include <cstdint>
#include <span>

#include "apps/row_plan.hpp"
#include "model/grid.hpp"

namespace factorps::apps {

/// Training interactions of a dataset.
struct InteractionCounts {
  std::span<const std::uint64_t> cells;  // [cell]
  std::span<const std::uint32_t> users;  // [user]
  std::span<const std::uint32_t> items;  // [item]
};

/// The bytes that workers are expected to ask for, get and push between nodes in a training pass:
/// an expectation over the random order of interactions and over the users' places in the strips.
/// Tables behind users and items count as wholly touched in every step.
[[nodiscard]] std::uint64_t expected_row_traffic(const RowPlan& plan, const Grid& grid,
                                                 const InteractionCounts& counts);

/// The same of a factorization machine, whose rows depend on attributes, moments and histories:
/// counted in steps of the first epoch, all of them up to kCountedSteps, else so many spread
/// evenly.
[[nodiscard]] std::uint64_t counted_row_traffic(const RowPlan& plan, const Config& config,
                                                const Dataset& dataset);
inline constexpr std::uint64_t kCountedSteps = 64;

}  // namespace factorps::apps

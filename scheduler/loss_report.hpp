/// Why a training was not faster: where the time of its workers went, as a table and in one
/// sentence. Pure functions of sums.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "comm/messages.hpp"
#include "io/dataset.hpp"
#include "model/grid.hpp"

namespace factorps::scheduler {

/// How far the grid lets a training scale. Shares are of the training interactions.
struct GridLimit {
  std::uint32_t strips = 0;  ///< 0: the grid is not known
  std::uint32_t blocks = 0;
  double heaviest_strip = 0;  ///< share
  double heaviest_block = 0;  ///< share
  double critical_path = 0;   ///< share on the longest chain of cells (scheduler/plan.hpp)
};

/// @param cells [cell] training interactions
/// @param seed of the training: the order of cells
[[nodiscard]] GridLimit grid_limit(const Grid& grid, const std::vector<std::uint64_t>& cells,
                                   std::uint64_t seed);
[[nodiscard]] GridLimit grid_limit(const Dataset& dataset, std::uint64_t seed);

/// Adds a pass to what each worker did before it; `sums` may be empty.
void add_pass(std::vector<comm::WorkerDone>& sums, std::span<const comm::WorkerDone> pass);

/// Wall time of a worker in training passes.
[[nodiscard]] double total_seconds(const comm::WorkerDone& worker) noexcept;

/// Numbers of at most 16 workers: all, or of more those that computed the smallest share of their
/// time, these first.
[[nodiscard]] std::vector<std::size_t> workers_to_show(std::span<const comm::WorkerDone> workers);

/// One line per worker to show with its seconds and their shares of its time, and one for all.
/// Empty without workers.
[[nodiscard]] std::string time_table(std::span<const comm::WorkerDone> workers);

/// The largest loss, in plain words with its numbers: waiting for turns, for blocks of other nodes,
/// or cells that took longer than their CPU time because the cores had other work.
[[nodiscard]] std::string largest_loss(std::span<const comm::WorkerDone> workers,
                                       const GridLimit& limit);

}  // namespace factorps::scheduler

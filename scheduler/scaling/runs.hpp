/// The runs of a scaling experiment: which, in which order, on which data, started how. Pure
/// functions of the configuration.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/config.hpp"
#include "io/scaling_layout.hpp"

namespace factorps::scheduler {

struct ScalingRun {
  ScalingLayout layout;
  std::int64_t dim = 1;
  GridSize grid;  ///< zeros: as [grid] says
  std::int64_t repetition = 1;

  /// "2x4-dim16-grid32x16-r1"; without the grid if it is as [grid] says.
  [[nodiscard]] std::string id() const;
};

/// Every layout with every dim and grid, each as often as scaling.repetitions says, in an order
/// drawn with scaling.seed: what the machine does meanwhile then meets all of them alike.
/// @throws ConfigError if there are no layouts
[[nodiscard]] std::vector<ScalingRun> scaling_runs(const Config& config);

/// What a run is trained on. Equal names: the same dataset.
struct ScalingData {
  std::string name;               ///< of the file; empty: data.dataset of the configuration
  std::int64_t users = 0;         ///< to generate; 0: the sources of the configuration
  std::int64_t interactions = 0;  ///< to generate
  std::vector<std::string> grid;  ///< --set that cut the grid
};
[[nodiscard]] ScalingData data_of(const ScalingRun& run, const Config& config);

/// The nodes that the ranks of a run are spread over.
struct Nodes {
  int allocated = 1;  ///< machines; fewer than a layout has: its nodes are pretended on one
};

/// --set that make the training of the configuration this run, but for directory and dataset.
[[nodiscard]] std::vector<std::string> assignments_of(const ScalingRun& run, const Nodes& nodes);

/// The launcher with the numbers of ranks and nodes behind it; the program follows.
/// @throws ConfigError if the layout needs more nodes than are allocated, and these are several
[[nodiscard]] std::vector<std::string> launch_command(const std::vector<std::string>& launcher,
                                                      const ScalingLayout& layout,
                                                      const Nodes& nodes);

/// What must be equal for the times of runs to be comparable, and with the same dataset the bits.
[[nodiscard]] std::string scaling_identity(const Config& config, const ScalingRun& run);

}  // namespace factorps::scheduler

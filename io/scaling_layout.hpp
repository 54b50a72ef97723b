/// The notations of [scaling]: how a job is laid out, and the size of a grid.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace factorps {

/// Workers and servers of each node. Without a server of its own (0) the one rank of a node does
/// everything.
struct ScalingLayout {
  int nodes = 1;
  int workers = 1;  ///< per node
  int servers = 1;  ///< per node

  [[nodiscard]] int all_workers() const noexcept { return nodes * workers; }
  /// Rank 0 of a job on one node only schedules; of one on several it serves too.
  [[nodiscard]] int ranks_per_node() const noexcept {
    return servers == 0 ? 1 : servers + workers + (nodes == 1 ? 1 : 0);
  }
  [[nodiscard]] int ranks() const noexcept { return nodes * ranks_per_node(); }
  /// "2x4", or "2x4s0" where the number of servers is not 1.
  [[nodiscard]] std::string name() const;

  bool operator==(const ScalingLayout&) const = default;
};

/// @param text "NODESxWORKERS" or "NODESxWORKERSsSERVERS"; 0 servers only with one worker
[[nodiscard]] std::optional<ScalingLayout> parse_scaling_layout(std::string_view text);

struct GridSize {
  std::int64_t strips = 0;  ///< 0: derived
  std::int64_t blocks = 0;

  bool operator==(const GridSize&) const = default;
};

/// @param text "STRIPSxBLOCKS"
[[nodiscard]] std::optional<GridSize> parse_grid_size(std::string_view text);

}  // namespace factorps

#include "scheduler/scaling/runs.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "common/error.hpp"
#include "common/random.hpp"

namespace factorps::scheduler {
namespace {

std::string grid_name(const GridSize& grid) {
  return grid == GridSize{} ? "" : fmt::format("-grid{}x{}", grid.strips, grid.blocks);
}

std::vector<GridSize> grids_of(const ScalingConfig& scaling) {
  std::vector<GridSize> grids;
  for (const std::string& text : scaling.grids) grids.push_back(parse_grid_size(text).value());
  if (grids.empty()) grids.emplace_back();
  return grids;
}

bool pretended(const ScalingLayout& layout, const Nodes& nodes) {
  return layout.nodes > nodes.allocated;
}

}  // namespace

std::string ScalingRun::id() const {
  return fmt::format("{}-dim{}{}-r{}", layout.name(), dim, grid_name(grid), repetition);
}

std::vector<ScalingRun> scaling_runs(const Config& config) {
  const ScalingConfig& scaling = config.scaling;
  if (scaling.layouts.empty()) {
    throw ConfigError{"scaling.layouts = []: expected at least one layout, such as \"1x2\""};
  }
  const auto dims = scaling.dims.empty() ? std::vector{config.model.dim} : scaling.dims;
  std::vector<ScalingRun> runs;
  for (const std::string& layout : scaling.layouts) {
    for (const std::int64_t dim : dims) {
      for (const GridSize& grid : grids_of(scaling)) {
        for (std::int64_t r = 1; r <= scaling.repetitions; ++r) {
          runs.push_back({parse_scaling_layout(layout).value(), dim, grid, r});
        }
      }
    }
  }
  const auto place =
      seeded_permutation(static_cast<std::uint32_t>(runs.size()), scaling.seed, Purpose::scaling);
  std::vector<ScalingRun> shuffled(runs.size());
  for (std::size_t k = 0; k < runs.size(); ++k) shuffled[place[k]] = runs[k];
  return shuffled;
}

ScalingData data_of(const ScalingRun& run, const Config& config) {
  const ScalingConfig& scaling = config.scaling;
  ScalingData data;
  if (run.grid != GridSize{}) {
    data.grid = {fmt::format("grid.strips={}", run.grid.strips),
                 fmt::format("grid.blocks={}", run.grid.blocks)};
  }
  if (scaling.users == 0) {
    if (run.grid != GridSize{}) data.name = "data" + grid_name(run.grid);
    return data;
  }
  const std::int64_t times = scaling.mode == "weak" ? run.layout.all_workers() : 1;
  data.users = scaling.users * times;
  data.interactions = scaling.interactions * times;
  data.name = fmt::format("{}users-{}items-{}ratings-seed{}{}", data.users, scaling.items,
                          data.interactions, scaling.seed, grid_name(run.grid));
  return data;
}

std::vector<std::string> assignments_of(const ScalingRun& run, const Nodes& nodes) {
  const ScalingLayout& layout = run.layout;
  return {
      fmt::format("model.dim={}", run.dim),
      fmt::format("cluster.servers={}", layout.nodes * std::max(1, layout.servers)),
      fmt::format("cluster.node_size={}", pretended(layout, nodes) ? layout.ranks_per_node() : 0)};
}

std::vector<std::string> launch_command(const std::vector<std::string>& launcher,
                                        const ScalingLayout& layout, const Nodes& nodes) {
  const bool pretend = pretended(layout, nodes);
  if (pretend && nodes.allocated > 1) {
    throw ConfigError{fmt::format(
        "scaling.layouts: {} has {} nodes, expected at most the {} of this allocation (or one, "
        "on which nodes are pretended)",
        layout.name(), layout.nodes, nodes.allocated)};
  }
  const int machines = pretend ? 1 : layout.nodes;
  const int on_each = layout.ranks() / machines;
  std::vector<std::string> command = launcher;
  if (std::filesystem::path{launcher.front()}.filename() == "srun") {
    command.insert(command.end(),
                   {fmt::format("--nodes={}", machines), fmt::format("--ntasks={}", layout.ranks()),
                    fmt::format("--ntasks-per-node={}", on_each)});
  } else {
    command.insert(command.end(), {"-n", std::to_string(layout.ranks())});
    if (nodes.allocated > 1) {
      command.insert(command.end(), {"--map-by", fmt::format("ppr:{}:node", on_each)});
    }
  }
  return command;
}

std::string scaling_identity(const Config& config, const ScalingRun& run) {
  Config own = config;
  own.model.dim = run.dim;
  const ScalingData data = data_of(run, config);
  return training_identity(own) +
         fmt::format("train.epochs = {}\ntrain.patience = {}\nevaluate.keep = {}\ndata = {}\n",
                     own.train.epochs, own.train.patience, own.evaluate.keep,
                     data.name.empty() ? config.data.dataset.string() : data.name);
}

}  // namespace factorps::scheduler

#include "apps/copies.hpp"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

#include "apps/plan_input.hpp"
#include "comm/agreement.hpp"
#include "common/error.hpp"
#include "scheduler/epoch_passes.hpp"
#include "scheduler/plan.hpp"

namespace factorps::apps {
namespace {

/// What the tables of a machine may take.
std::uint64_t room_for_tables(const Config& config, const comm::Environment& environment) {
  const scheduler::Room room = room_of_this_machine(config);
  const auto& hosts = environment.hosts();
  const auto ranks = static_cast<std::uint64_t>(
      std::ranges::count(hosts, hosts[static_cast<std::size_t>(environment.rank())]));
  const std::uint64_t programs = ranks * scheduler::kRankBytes;
  const std::uint64_t memory = room.memory - std::min(room.memory, programs);
  return ranks == 1 ? memory : std::min(memory, room.shared_memory);
}

}  // namespace

std::uint64_t bytes_of_nodes(const JobMap& map, const Grid& grid, std::int64_t dim,
                             std::span<const std::uint64_t> cells, const std::set<int>& nodes) {
  std::uint64_t bytes = 0;
  for (const int node : nodes) bytes += table_bytes(map, grid, dim, cells, node);
  return bytes;
}

std::set<int> nodes_here(const std::vector<int>& node_of_rank,
                         const comm::Environment& environment) {
  const auto& hosts = environment.hosts();
  std::set<int> nodes;
  for (std::size_t r = 0; r < hosts.size(); ++r) {
    if (hosts[r] == hosts[static_cast<std::size_t>(environment.rank())]) {
      nodes.insert(node_of_rank[r]);
    }
  }
  return nodes;
}

CopiesNeed need_of_copies(const Config& config, const Grid& grid, const ps::JobLayout& layout,
                          const Dataset* dataset, std::span<const std::uint64_t> cells,
                          const std::vector<std::set<int>>& machines) {
  const auto need = [&](const char* copies) {
    Config asked = config;
    asked.ials.copies = copies;
    const JobMap map{asked, grid, layout, dataset};
    std::uint64_t most = 0;
    for (const auto& nodes : machines) {
      most = std::max(most, bytes_of_nodes(map, grid, config.model.dim, cells, nodes));
    }
    return most;
  };
  return {need("whole"), need("streamed")};
}

bool asks_for_copies(const Config& config, int nodes) {
  return nodes > 1 && solves_rows(config) && config.ials.copies == "auto";
}

Config decide_copies(const Config& config, const Dataset& dataset, const ps::JobLayout& layout,
                     const comm::Environment& environment) {
  if (!asks_for_copies(config, layout.nodes)) return config;
  const auto cells = dataset.cell_sizes(Part::train);
  const CopiesNeed need = need_of_copies(config, dataset.grid(), layout, &dataset, cells,
                                         {nodes_here(ps::nodes_of_ranks(layout), environment)});
  const std::uint64_t room = room_for_tables(config, environment);
  const std::string host = environment.hosts()[static_cast<std::size_t>(environment.rank())];
  const auto lacks = [&](std::uint64_t bytes, const char* what) {
    if (bytes <= room) return std::string{};
    return fmt::format("{}: {} tables need {} bytes, {} are free, {} are missing", host, what,
                       bytes, room, bytes - room);
  };
  Config decided = config;
  decided.ials.copies = "whole";
  const std::string whole = comm::first_problem(environment, lacks(need.whole, "whole"));
  if (whole.empty()) return decided;
  decided.ials.copies = "streamed";
  const std::string streamed = comm::first_problem(environment, lacks(need.streamed, "streamed"));
  if (!streamed.empty()) {
    throw ResourceError{fmt::format("{}; {}; use more nodes or fewer dimensions", whole, streamed)};
  }
  if (environment.rank() == 0) {
    std::fputs(fmt::format("factorps: {}: rows are streamed (ials.copies)\n", whole).c_str(),
               stderr);
  }
  return decided;
}

}  // namespace factorps::apps

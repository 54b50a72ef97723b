#include "apps/background.hpp"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

#include "apps/copies.hpp"
#include "apps/plan_input.hpp"
#include "comm/agreement.hpp"

namespace factorps::apps {
namespace {

/// Of this rank's machine.
CopiesOfRows need_here(const Config& config, const Dataset& dataset, const ps::JobLayout& layout,
                       const comm::Environment& environment) {
  const scheduler::Plan plan = make_plan(sizes_of_job(config, dataset, layout, environment));
  const auto nodes = nodes_here(ps::nodes_of_ranks(layout), environment);
  const auto& hosts = environment.hosts();
  const auto ranks = static_cast<std::size_t>(
      std::ranges::count(hosts, hosts[static_cast<std::size_t>(environment.rank())]));
  CopiesOfRows need{nodes.size() * (plan.tables + plan.ranks), 0};
  if (ranks == nodes.size()) return need;  // tables of lone ranks are not shared
  const JobMap map{config, dataset.grid(), layout, &dataset};
  need.shared =
      bytes_of_nodes(map, dataset.grid(), config.model.dim, dataset.cell_sizes(Part::train), nodes);
  return need;
}

}  // namespace

std::string lack_of_room(const CopiesOfRows& need, const scheduler::Room& room) {
  const auto lacks = [](const char* what, std::uint64_t needed, std::uint64_t free) {
    return fmt::format("copies of the rows would need {} bytes of {}, {} are free", needed, what,
                       free);
  };
  if (need.memory > room.memory) return lacks("memory", need.memory, room.memory);
  if (need.shared > room.shared_memory) return lacks("/dev/shm", need.shared, room.shared_memory);
  return {};
}

Config decide_background(const Config& config, const Dataset& dataset, const ps::JobLayout& layout,
                         const comm::Environment& environment) {
  if (!config.checkpoint.background || !saves_on_the_way(config)) return config;
  std::string mine =
      lack_of_room(need_here(config, dataset, layout, environment), room_of_this_machine(config));
  if (!mine.empty()) {
    mine = environment.hosts()[static_cast<std::size_t>(environment.rank())] + ": " + mine;
  }
  const std::string problem = comm::first_problem(environment, mine);
  if (problem.empty()) return config;
  if (environment.rank() == 0) {
    std::fputs(fmt::format("factorps: {}: training waits while checkpoints are written "
                           "(checkpoint.background)\n",
                           problem)
                   .c_str(),
               stderr);
  }
  Config decided = config;
  decided.checkpoint.background = false;
  return decided;
}

}  // namespace factorps::apps

#include <iostream>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "apps/commands.hpp"
#include "apps/plan_input.hpp"
#include "comm/environment.hpp"

namespace factorps::apps {
namespace {

using Json = nlohmann::ordered_json;
using scheduler::size_text;

Json to_json(const scheduler::PlanInput& input, const scheduler::Plan& plan,
             const scheduler::Room& room) {
  return {{"source", input.prepared ? "dataset" : "raw files before cleaning"},
          {"users", input.grid.users()},
          {"items", input.grid.items()},
          {"train_interactions", plan.interactions},
          {"dim", input.dim},
          {"nodes", input.nodes},
          {"ranks_per_node", input.ranks},
          {"workers", input.workers},
          {"memory_per_node",
           {{"tables", plan.tables}, {"dataset_mapped", plan.mapped}, {"ranks", plan.ranks}}},
          {"files",
           {{"dataset", plan.dataset},
            {"checkpoint", plan.checkpoint},
            {"checkpoints", plan.checkpoints},
            {"model", plan.model}}},
          {"bytes_per_epoch", plan.epoch_traffic},
          {"grid",
           {{"strips", input.grid.strips()},
            {"blocks", input.grid.blocks()},
            {"busy_workers", plan.busy_workers},
            {"critical_path", plan.critical_path},
            {"largest_speedup", plan.largest_speedup}}},
          {"free",
           {{"memory", room.memory}, {"shared_memory", room.shared_memory}, {"disk", room.disk}}}};
}

void print_text(const scheduler::PlanInput& input, const scheduler::Plan& plan,
                const scheduler::Room& room) {
  const auto line = [](const char* name, const std::string& text) {
    std::cout << fmt::format("{:<13} {}\n", name, text);
  };
  line("data",
       fmt::format("{} users, {} items, {} training interactions ({})", input.grid.users(),
                   input.grid.items(), plan.interactions,
                   input.prepared ? "from the dataset" : "raw files, before cleaning and split"));
  line("job", fmt::format("{} node{}, {} rank{} each, {} worker{} in all", input.nodes,
                          input.nodes == 1 ? "" : "s", input.ranks, input.ranks == 1 ? "" : "s",
                          input.workers, input.workers == 1 ? "" : "s"));
  line("memory",
       fmt::format("per node: tables {} (shared), ranks up to {}, dataset pages {} (mapped, "
                   "shared); free {}",
                   size_text(plan.tables), size_text(plan.ranks), size_text(plan.mapped),
                   size_text(room.memory)));
  line("/dev/shm", input.ranks == 1 ? "not used by one rank"
                                    : fmt::format("{} of {} free", size_text(plan.tables),
                                                  size_text(room.shared_memory)));
  line("disk", fmt::format("checkpoints {} ({} each), model {}, dataset {}; free {}",
                           size_text(plan.checkpoints), size_text(plan.checkpoint),
                           size_text(plan.model), size_text(plan.dataset), size_text(room.disk)));
  line("network", input.nodes == 1 ? "nothing: one node"
                                   : size_text(plan.epoch_traffic) + " between nodes per epoch");
  line("grid",
       fmt::format("{} strips x {} blocks: at most {} of {} workers busy at a time",
                   input.grid.strips(), input.grid.blocks(), plan.busy_workers, input.workers));
  line("critical path", fmt::format("{} of {} interactions: at most {:.1f} times one worker",
                                    plan.critical_path, plan.interactions, plan.largest_speedup));
}

}  // namespace

ExitCode run_plan(const PlanOptions& options, comm::Environment& environment) {
  if (environment.rank() != 0) return ExitCode::done;
  const Config config = load_config(options.config, options.assignments);
  const scheduler::PlanInput input = plan_input(config, options);
  const scheduler::Plan plan = scheduler::make_plan(input);
  const scheduler::Room room = room_of_this_machine(config);
  if (options.output.json) {
    std::cout << to_json(input, plan, room).dump(2) << '\n';
  } else {
    print_text(input, plan, room);
  }
  const auto problems = scheduler::shortages(plan, room, options.ranks * options.nodes == 1);
  if (!problems.empty()) {
    throw ResourceError{fmt::format("this does not fit: {}", fmt::join(problems, "; "))};
  }
  return ExitCode::done;
}

}  // namespace factorps::apps

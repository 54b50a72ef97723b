#include <algorithm>
#include <iostream>
#include <optional>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "apps/calibration.hpp"
#include "apps/commands.hpp"
#include "apps/plan_input.hpp"
#include "apps/plan_use.hpp"
#include "comm/environment.hpp"
#include "scheduler/bit_rate.hpp"
#include "scheduler/plan_record.hpp"

namespace factorps::apps {
namespace {

using Json = nlohmann::ordered_json;
using scheduler::size_text;

/// What is known of the time of an epoch; parts that are not known are null.
Json epoch_record(const scheduler::EpochTime& time, const std::optional<Calibration>& calibration,
                  double bits_per_second) {
  const auto known = [](bool is, double value) { return is ? Json(value) : Json(); };
  const bool calibrated = calibration.has_value();
  Json record{{"train_seconds", known(calibrated, time.train_seconds)},
              {"compute_seconds", known(calibrated, time.compute_seconds)},
              {"evaluate_seconds", known(calibrated, time.evaluate_seconds)},
              {"network_seconds", known(bits_per_second > 0, time.network_seconds)},
              {"bits_per_second", known(bits_per_second > 0, bits_per_second)},
              {"calibration", {}}};
  if (calibrated) {
    record["calibration"] = {{"threads", calibration->threads},
                             {"passes", calibration->passes},
                             {"interactions", calibration->interactions},
                             {"seconds_per_update", calibration->speed.seconds_per_update},
                             {"seconds_per_prediction", calibration->speed.seconds_per_prediction},
                             {"seconds", calibration->seconds}};
  }
  return record;
}

void print_epoch(const Json& epoch) {
  if (!epoch["network_seconds"].is_null()) {
    std::cout << fmt::format("{:<13} {:.4g} s per epoch at {:.4g} Gbit/s in each direction\n",
                             "on the wire", epoch["network_seconds"].get<double>(),
                             epoch["bits_per_second"].get<double>() / 1e9);
  }
  const Json& measured = epoch["calibration"];
  if (measured.is_null()) return;
  std::cout << fmt::format(
      "{:<13} {:.4g} s to train, {:.4g} s to evaluate; without checkpoints{}\n", "epoch",
      epoch["train_seconds"].get<double>(), epoch["evaluate_seconds"].get<double>(),
      epoch["network_seconds"].is_null() ? ", and if the network is fast enough" : "");
  std::cout << fmt::format(
      "{:<13} {:.4g} M updates/s by each of {} threads here: median of {} passes over {} "
      "interactions\n",
      "measured", 1e-6 / measured["seconds_per_update"].get<double>(),
      measured["threads"].get<int>(), measured["passes"].get<int>(),
      measured["interactions"].get<std::uint64_t>());
}

/// On as many threads as a machine of the job would have busy.
std::optional<Calibration> calibrate_for(const Config& config, const PlanOptions& options,
                                         const scheduler::PlanInput& input,
                                         const comm::Environment& environment) {
  if (!options.calibrate || config.train.solver != "sgd") return std::nullopt;
  if (environment.size() > 1) {
    throw ConfigError{"--calibrate: measures one process, expected no more than one rank"};
  }
  if (!input.prepared) {
    throw DataError{
        fmt::format("--calibrate: {}: no such dataset; make it with: factorps prepare "
                    "CONFIG",
                    config.data.dataset.string())};
  }
  const auto cores = static_cast<std::uint64_t>(std::max(1U, std::thread::hardware_concurrency()));
  const std::uint64_t machines = input.cores / cores;
  const std::uint64_t workers = (input.workers + machines - 1) / machines;
  return calibrate(config, Dataset{config.data.dataset}, static_cast<int>(std::min(workers, cores)),
                   environment);
}

void print_line(const char* name, const std::string& text) {
  std::cout << fmt::format("{:<13} {}\n", name, text);
}

void print_network(const scheduler::PlanInput& input, const scheduler::Plan& plan) {
  if (input.nodes == 1) return print_line("network", "nothing: one node");
  print_line("network", fmt::format("{} between nodes per epoch{}", size_text(plan.epoch_traffic),
                                    plan.evaluation_traffic == 0
                                        ? ""
                                        : fmt::format(", {} per evaluation",
                                                      size_text(plan.evaluation_traffic))));
  const scheduler::StreamInput& stream = input.stream;
  if (stream.whole_tables == 0) return;
  print_line("copies",
             fmt::format("{}: {}", stream.streamed ? "streamed" : "whole tables", stream.why));
  print_line("", fmt::format("tables per node: {} whole, {} streamed, of these {} buffer",
                             size_text(stream.whole_tables), size_text(stream.streamed_tables),
                             size_text(stream.buffer)));
}

void print_text(const scheduler::PlanInput& input, const scheduler::Plan& plan,
                const scheduler::Room& room) {
  const auto line = print_line;
  line("data",
       fmt::format("{} users, {} items, {} training interactions ({})", input.grid.users(),
                   input.grid.items(), plan.interactions,
                   input.prepared ? "from the dataset" : "raw files, before cleaning and split"));
  line("job", fmt::format("{} node{}, {} rank{} each, {} worker{} in all", input.nodes,
                          input.nodes == 1 ? "" : "s", input.ranks, input.ranks == 1 ? "" : "s",
                          input.workers, input.workers == 1 ? "" : "s"));
  line("memory", fmt::format("per node: tables {} (shared), ranks {}, dataset pages {} (mapped, "
                             "shared); free {}",
                             size_text(plan.tables), size_text(plan.ranks), size_text(plan.mapped),
                             size_text(room.memory)));
  line("/dev/shm", input.ranks == 1 ? "not used by one rank"
                                    : fmt::format("{} of {} free", size_text(plan.tables),
                                                  size_text(room.shared_memory)));
  line("disk", fmt::format("checkpoints {} ({} each), model {}, dataset {}; free {}",
                           size_text(plan.checkpoints), size_text(plan.checkpoint),
                           size_text(plan.model), size_text(plan.dataset), size_text(room.disk)));
  if (!input.waits_to_save.empty()) {
    line("checkpoints", "training waits while they are written: " + input.waits_to_save);
  }
  if (input.lanes > 0) {
    const std::string rows = "rows of other nodes, pulled and pushed: ";
    line("network", input.nodes == 1 ? "nothing: one node"
                    : plan.epoch_traffic == 0
                        ? rows + "not foretold"
                        : rows + "about " + size_text(plan.epoch_traffic) + " per epoch");
    line("lanes", fmt::format("{}: at most {} of {} workers busy at a time", input.lanes,
                              plan.busy_workers, input.workers));
    return;
  }
  print_network(input, plan);
  line("grid",
       fmt::format("{} strips x {} blocks: at most {} of {} workers busy at a time",
                   input.grid.strips(), input.grid.blocks(), plan.busy_workers, input.workers));
  line("critical path", fmt::format("{} of {} interactions: at most {:.1f} times one worker",
                                    plan.critical_path, plan.interactions, plan.largest_speedup));
}

}  // namespace

ExitCode run_plan(const PlanOptions& options, comm::Environment& environment) {
  if (environment.rank() != 0) return ExitCode::done;
  const double rate =
      options.bandwidth.empty() ? 0 : scheduler::parse_bit_rate(options.bandwidth, "--bandwidth");
  const Config config = load_config(options.config, options.assignments);
  const scheduler::PlanInput input = plan_input(config, options);
  const scheduler::Plan plan = scheduler::make_plan(input);
  const scheduler::Room room = room_of_this_machine(config);
  const auto measured = calibrate_for(config, options, input, environment);
  const Json epoch =
      epoch_record(epoch_time(input, plan, measured ? measured->speed : scheduler::Speed{}, rate),
                   measured, rate);
  std::optional<RankingSpeed> scoring;
  if (options.calibrate) scoring = measure_rankings(input.dim, input.grid.items());
  const Json use = use_record(config, input, plan, scoring);
  if (options.output.json) {
    Json json = scheduler::plan_record(input, plan);
    json["epoch"] = epoch;
    json.update(use);
    json["free"] = {
        {"memory", room.memory}, {"shared_memory", room.shared_memory}, {"disk", room.disk}};
    std::cout << json.dump(2) << '\n';
  } else {
    print_text(input, plan, room);
    print_epoch(epoch);
    print_use(use);
  }
  const auto problems = scheduler::shortages(plan, room, options.ranks * options.nodes == 1);
  if (!problems.empty()) {
    throw ResourceError{fmt::format("this does not fit: {}", fmt::join(problems, "; "))};
  }
  return ExitCode::done;
}

}  // namespace factorps::apps

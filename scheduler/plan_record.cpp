#include "scheduler/plan_record.hpp"

#include <algorithm>
#include <numeric>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/error.hpp"
#include "io/checkpoint.hpp"
#include "scheduler/scaling/statistics.hpp"

namespace factorps::scheduler {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

void compare(Json& into, const char* name, const Json& predicted, const Json& measured) {
  const double divisor = predicted.get<double>();
  into[name] = {{"predicted", predicted},
                {"measured", measured},
                {"ratio", divisor > 0 ? Json(measured.get<double>() / divisor) : Json()}};
}

/// The epochs at the end that had as many workers: those that the stored plan is about.
std::span<const EpochRecord> epochs_of_last_job(const RunRecord& run) {
  const std::size_t workers = run.epochs.back().workers.size();
  std::size_t first = run.epochs.size();
  while (first > 0 && run.epochs[first - 1].workers.size() == workers) --first;
  return std::span{run.epochs}.subspan(first);
}

/// Seconds of a worker per interaction, in cells.
double seconds_per_update(const EpochRecord& epoch) {
  double seconds = 0;
  double interactions = 0;
  for (const comm::WorkerDone& worker : epoch.workers) {
    seconds += worker.compute_seconds;
    interactions += static_cast<double>(worker.interactions);
  }
  return interactions > 0 ? seconds / interactions : 0;
}

double median_seconds(std::span<const EpochRecord> epochs) {
  std::vector<double> seconds;
  for (const EpochRecord& epoch : epochs) seconds.push_back(epoch.train_seconds);
  return median(std::move(seconds));
}

std::uint64_t bytes_of_files(const fs::path& directory) {
  std::uint64_t bytes = 0;
  for (const auto& entry : fs::directory_iterator{directory}) {
    if (entry.path().extension() == ".h5") bytes += entry.file_size();
  }
  return bytes;
}

void compare_epochs(Json& into, const Json& plan, std::span<const EpochRecord> epochs) {
  const auto peak = std::ranges::max(epochs, {}, &EpochRecord::memory_held).memory_held;
  const auto bytes = [](double count) { return static_cast<std::uint64_t>(count); };
  if (peak > 0) compare(into, "memory", plan.at("memory").at("held"), bytes(peak));
  compare(into, "bytes_per_epoch", plan.at("bytes_per_epoch"),
          bytes(epochs.back().train_block_bytes));
  if (epochs.size() < 2) return;
  const double work = plan.at("grid").at("longest_work");
  compare(into, "epoch_seconds", work * seconds_per_update(epochs.front()),
          median_seconds(epochs.subspan(1)));
}

void compare_files(Json& into, const Json& plan, const fs::path& run) {
  const Json& files = plan.at("files");
  const auto checkpoints = CheckpointStore{run / "checkpoints"}.list();
  if (!checkpoints.empty()) {
    compare(into, "checkpoint", files.at("checkpoint"), bytes_of_files(checkpoints.front()));
  }
  if (fs::exists(run / "model.h5")) {
    compare(into, "model", files.at("model"), fs::file_size(run / "model.h5"));
  }
}

/// What least squares holds; null for other solvers and on one node.
Json copies_record(const PlanInput& input) {
  if (!input.copies || input.nodes == 1) return {};
  const StreamInput& stream = input.stream;
  Json record{{"mode", stream.streamed ? "streamed" : "whole"}, {"why", stream.why}};
  if (stream.whole_tables > 0) {
    record["tables_whole"] = stream.whole_tables;
    record["tables_streamed"] = stream.streamed_tables;
  }
  if (stream.streamed) record["buffer"] = stream.buffer;
  return record;
}

}  // namespace

Json plan_record(const PlanInput& input, const Plan& plan) {
  return {{"source", input.prepared ? "dataset" : "raw files before cleaning"},
          {"users", input.grid.users()},
          {"items", input.grid.items()},
          {"train_interactions", plan.interactions},
          {"dim", input.dim},
          {"nodes", input.nodes},
          {"ranks_per_node", input.ranks},
          {"workers", input.workers},
          {"cores", input.cores},
          {"memory_per_node",
           {{"tables", plan.tables}, {"dataset_mapped", plan.mapped}, {"ranks", plan.ranks}}},
          {"memory", {{"held", plan.held}}},
          {"files",
           {{"dataset", plan.dataset},
            {"checkpoint", plan.checkpoint},
            {"checkpoints", plan.checkpoints},
            {"model", plan.model}}},
          {"bytes_per_epoch", plan.epoch_traffic},
          {"bytes_per_evaluation", plan.evaluation_traffic},
          {"copies", copies_record(input)},
          {"waits_to_save", input.waits_to_save.empty() ? Json() : Json(input.waits_to_save)},
          {"grid",
           {{"strips", input.grid.strips()},
            {"blocks", input.grid.blocks()},
            {"busy_workers", plan.busy_workers},
            {"critical_path", plan.critical_path},
            {"longest_work", plan.longest_work},
            {"largest_speedup", plan.largest_speedup}}}};
}

Json plan_check(const Json& plan, const RunRecord& run) {
  Json check = Json::object();
  try {
    compare_epochs(check, plan, epochs_of_last_job(run));
    compare_files(check, plan, run.path);
  } catch (const Json::exception& error) {
    throw DataError{
        fmt::format("{}: damaged: {}", (run.path / "plan.json").string(), error.what())};
  }
  return check;
}

}  // namespace factorps::scheduler

#include "scheduler/records.hpp"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "io/json_text.hpp"

namespace factorps::scheduler {

using nlohmann::json;

json error_record(const eval::ErrorSums& sums, bool clip) {
  return {{"rmse", clip ? sums.rmse_clipped() : sums.rmse()},
          {"mae", clip ? sums.mae_clipped() : sums.mae()},
          {"clipped", clip},
          {"rmse_clipped", sums.rmse_clipped()},
          {"mae_clipped", sums.mae_clipped()},
          {"rmse_unclipped", sums.rmse()},
          {"mae_unclipped", sums.mae()},
          {"interactions", sums.count},
          {"cold_users", sums.cold_users},
          {"cold_items", sums.cold_items},
          {"cold_both", sums.cold_both}};
}

json worker_records(std::span<const comm::WorkerDone> workers) {
  json records = json::array();
  for (const comm::WorkerDone& worker : workers) {
    records.push_back({{"cells", worker.cells},
                       {"interactions", worker.interactions},
                       {"compute_seconds", worker.compute_seconds},
                       {"wait_turn_seconds", worker.wait_turn_seconds},
                       {"wait_block_seconds", worker.wait_block_seconds},
                       {"cpu_seconds", worker.cpu_seconds}});
  }
  return records;
}

std::vector<comm::WorkerDone> workers_of(const json& records) {
  std::vector<comm::WorkerDone> workers;
  for (const json& record : records) {
    comm::WorkerDone& worker = workers.emplace_back();
    worker.cells = natural_at(record, "cells");
    worker.interactions = natural_at(record, "interactions");
    worker.compute_seconds = record.at("compute_seconds").get<double>();
    worker.wait_turn_seconds = record.at("wait_turn_seconds").get<double>();
    worker.wait_block_seconds = record.at("wait_block_seconds").get<double>();
    worker.cpu_seconds = record.at("cpu_seconds").get<double>();
  }
  return workers;
}

json time_record(std::span<const comm::WorkerDone> workers, const std::string& largest_loss) {
  return {{"workers", worker_records(workers)}, {"largest_loss", largest_loss}};
}

namespace {

comm::RowTraffic rows_of(std::span<const comm::WorkerDone> workers) {
  comm::RowTraffic all;
  for (const comm::WorkerDone& worker : workers) all += worker.rows;
  return all;
}

/// The rows that most was pushed to in a pass, with their shares of all pushes.
json hot_record(const PassResult& pass) {
  const comm::RowTraffic all = rows_of(pass.workers);
  const auto pushes = static_cast<double>(all.rows_pushed_here + all.rows_pushed_away);
  json hot = json::array();
  for (const comm::HotRow& row : pass.hot_rows) {
    hot.push_back({{"table", row.table == 0 ? "users" : "items"},
                   {"row", row.row},
                   {"pushes", row.pushes},
                   {"share", static_cast<double>(row.pushes) / pushes}});
  }
  return hot;
}

/// What all workers pulled and pushed in row mode; null if nobody did.
/// @param pass whose hot rows are shown
json row_record(std::span<const comm::WorkerDone> workers, const PassResult& pass) {
  const comm::RowTraffic all = rows_of(workers);
  if (all.rows_pulled_here + all.rows_pulled_away == 0) return {};
  return {{"pulled_here", all.rows_pulled_here},
          {"pulled_away", all.rows_pulled_away},
          {"cache_hits", all.cache_hits},
          {"pushed_here", all.rows_pushed_here},
          {"pushed_away", all.rows_pushed_away},
          {"gradients_combined", all.gradients_combined},
          {"combined_on_node", all.combined_on_node},
          {"bytes_sent", all.bytes_sent},
          {"bytes_received", all.bytes_received},
          {"staleness", all.staleness},
          {"hot", hot_record(pass)}};
}

}  // namespace

json epoch_record(const MeasuredEpoch& epoch) {
  json record{{"epoch", epoch.epoch},
              {fmt::format("train_{}", epoch.train_metric()), epoch.train_value()},
              {"learning_rate_factor", epoch.rate_factor},
              {"interactions", static_cast<std::uint64_t>(epoch.updates())},
              {"updates_per_second", epoch.updates_per_second()},
              {"seconds",
               {{"train", epoch.train.seconds},
                {"evaluate", epoch.evaluate_seconds},
                {"checkpoint", epoch.checkpoint_seconds}}},
              {"workers", worker_records(epoch.train.workers)},
              {"memory_bytes", epoch.train.memory.bytes},
              {"memory_held_bytes", epoch.train.memory.held},
              {"block_bytes",
               {{"train", epoch.train.block_bytes}, {"evaluate", epoch.evaluate_block_bytes}}},
              {"block_moves", epoch.train.block_moves}};
  if (const json rows = row_record(epoch.train.workers, epoch.train); !rows.is_null())
    record["rows"] = rows;
  if (epoch.saved) {
    record["checkpoint"] = {{"epoch", epoch.saved->at.epoch},
                            {"step", epoch.saved->at.step},
                            {"seconds", epoch.saved->seconds},
                            {"bytes", epoch.saved->bytes}};
  }
  if (epoch.validation) {
    record["validation"] = epoch.validation->record();
    record["best"] = epoch.best;
  }
  return record;
}

json totals_record(const TrainingTotals& totals, const std::string& largest_loss) {
  const double cpu = totals.cpu_seconds;
  json record{{"updates", totals.updates},
              {"updates_per_cpu_second",
               cpu > 0 ? json(static_cast<double>(totals.updates) / cpu) : json()},
              {"train_cpu_seconds", cpu},
              {"train_seconds", totals.seconds},
              {"peak_memory_bytes", totals.peak_memory_bytes},
              {"peak_memory_held_bytes", totals.peak_memory_held},
              {"time", time_record(totals.workers, largest_loss)}};
  if (json rows = row_record(totals.workers, totals.last); !rows.is_null()) record["rows"] = rows;
  return record;
}

void name_hot_rows(json& summary, const Dataset& dataset, const std::string& stored_ids) {
  if (!summary.contains("rows")) return;
  for (json& hot : summary["rows"]["hot"]) {
    if (stored_ids == "none" || hot["table"] == "users") continue;
    hot["id"] = dataset.item_ids().text(hot["row"].get<std::uint64_t>());
  }
}

json summary_of_job(const JobFacts& facts, const Dataset& dataset) {
  json summary = json::parse(facts.environment);
  summary["ranks"] = facts.ranks;
  summary["servers"] = facts.servers;
  summary["workers"] = facts.workers;
  summary["nodes"] = facts.nodes;
  summary["instruction_set"] = facts.instruction_set;
  summary["dataset"] = {{"path", dataset.path().string()},
                        {"fingerprint", dataset.fingerprint()},
                        {"users", dataset.grid().users()},
                        {"items", dataset.grid().items()},
                        {"train", dataset.interactions(Part::train)},
                        {"validation", dataset.interactions(Part::validation)},
                        {"test", dataset.interactions(Part::test)},
                        {"strips", dataset.grid().strips()},
                        {"blocks", dataset.grid().blocks()}};
  return summary;
}

}  // namespace factorps::scheduler

/// JSON pieces of metrics.jsonl and summary.json.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "eval/metrics.hpp"
#include "io/dataset.hpp"
#include "scheduler/trainer.hpp"

namespace factorps::scheduler {

/// rmse and mae are those of the clipped predictions if `clip`.
[[nodiscard]] nlohmann::json error_record(const eval::ErrorSums& sums, bool clip);
/// One object per worker: where its time went.
[[nodiscard]] nlohmann::json worker_records(std::span<const comm::WorkerDone> workers);
/// Back from worker_records().
[[nodiscard]] std::vector<comm::WorkerDone> workers_of(const nlohmann::json& records);
/// The workers of a job, summed over its training passes, and the sentence of loss_report.hpp.
[[nodiscard]] nlohmann::json time_record(std::span<const comm::WorkerDone> workers,
                                         const std::string& largest_loss);
/// A line of metrics.jsonl.
[[nodiscard]] nlohmann::json epoch_record(const MeasuredEpoch& epoch);
/// The training passes of a job, for summary.json.
[[nodiscard]] nlohmann::json totals_record(const TrainingTotals& totals,
                                           const std::string& largest_loss);
/// Adds the ids of hot items, if a model may hold them; who a user is, no summary says. @param
/// stored_ids run.store_ids
void name_hot_rows(nlohmann::json& summary, const Dataset& dataset, const std::string& stored_ids);
/// Versions, hosts, layout and data of a job.
[[nodiscard]] nlohmann::json summary_of_job(const JobFacts& facts, const Dataset& dataset);

}  // namespace factorps::scheduler

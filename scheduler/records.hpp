/// JSON pieces of metrics.jsonl and summary.json.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "eval/metrics.hpp"
#include "io/dataset.hpp"
#include "scheduler/trainer.hpp"

namespace factorps::scheduler {

/// rmse and mae are those of the clipped predictions if `clip`.
[[nodiscard]] nlohmann::json error_record(const eval::ErrorSums& sums, bool clip);
/// One object per worker: where its time went.
[[nodiscard]] nlohmann::json worker_records(const PassResult& pass);
/// Versions, hosts, layout and data of a job.
[[nodiscard]] nlohmann::json summary_of_job(const JobFacts& facts, const Dataset& dataset);

}  // namespace factorps::scheduler

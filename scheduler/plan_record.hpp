/// A plan as JSON: what `plan --json` prints and a run keeps as plan.json; and what of it came
/// true.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "scheduler/plan.hpp"
#include "scheduler/report/run_record.hpp"

namespace factorps::scheduler {

[[nodiscard]] nlohmann::ordered_json plan_record(const PlanInput& input, const Plan& plan);

/// Prediction beside measurement: an object per figure with `predicted`, `measured` and `ratio`
/// (measured / predicted), as far as the run has got. Seconds of an epoch are predicted from the
/// first epoch of the last job and measured as the median of the others.
/// @param plan of plan_record(), as the run's last job stored it
/// @throws DataError if the plan is damaged
[[nodiscard]] nlohmann::ordered_json plan_check(const nlohmann::ordered_json& plan,
                                                const RunRecord& run);

}  // namespace factorps::scheduler

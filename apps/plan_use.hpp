/// What `factorps plan` says of the evaluation and the lists that follow a training.
#pragma once

#include <optional>

#include <nlohmann/json.hpp>

#include "apps/calibration.hpp"
#include "io/config.hpp"
#include "scheduler/plan.hpp"

namespace factorps::apps {

/// With the keys evaluate and recommend.
/// @param speed none: not measured
[[nodiscard]] nlohmann::ordered_json use_record(const Config& config,
                                                const scheduler::PlanInput& input,
                                                const scheduler::Plan& plan,
                                                const std::optional<RankingSpeed>& speed);
void print_use(const nlohmann::ordered_json& record);

}  // namespace factorps::apps

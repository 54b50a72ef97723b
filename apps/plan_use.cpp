#include "apps/plan_use.hpp"

#include <algorithm>
#include <iostream>
#include <string>

#include <fmt/format.h>

#include "apps/commands.hpp"
#include "io/model_layers.hpp"
#include "scheduler/use_plan.hpp"

namespace factorps::apps {
namespace {

using Json = nlohmann::ordered_json;
using scheduler::size_text;

/// Seconds, minutes or hours.
std::string time_text(double seconds) {
  if (seconds < 120) return fmt::format("{:.3g} s", seconds);
  return seconds < 7200 ? fmt::format("{:.3g} min", seconds / 60)
                        : fmt::format("{:.3g} h", seconds / 3600);
}

std::string work_text(const Json& record) {
  std::string text;
  if (!record["operations"].is_null()) {
    text = fmt::format(": {:.0f} GFlop", 1e-9 * record["operations"].get<double>());
  }
  if (!record["seconds"].is_null()) {
    text += fmt::format(", {} on {} core{}", time_text(record["seconds"].get<double>()),
                        record["cores"].get<std::uint64_t>(),
                        record["cores"].get<std::uint64_t>() == 1 ? "" : "s");
  }
  return text;
}

}  // namespace

Json use_record(const Config& config, const scheduler::PlanInput& input,
                const scheduler::Plan& plan, const std::optional<RankingSpeed>& speed) {
  const scheduler::UseInput use{static_cast<std::uint64_t>(RecommendOptions{}.count),
                                has_layers(config.model.kind)};
  const scheduler::UsePlan forecast = plan_use(input, plan, use);
  const std::uint64_t cores = std::min(input.cores, input.ranks * input.nodes);
  const auto seconds = [&](double each) {
    return speed && !use.layers
               ? Json(each * static_cast<double>(forecast.pairs) / static_cast<double>(cores))
               : Json();
  };
  const RankingSpeed measured = speed.value_or(RankingSpeed{});
  return {{"evaluate",
           {{"held_per_rank", forecast.evaluate_held},
            {"mapped", forecast.mapped},
            {"pairs", forecast.pairs},
            {"operations", use.layers ? Json() : Json(forecast.operations)},
            {"cores", cores},
            {"seconds", seconds(measured.evaluate)}}},
          {"recommend",
           {{"held_per_rank", forecast.recommend_held},
            {"mapped", forecast.mapped},
            {"pairs", forecast.pairs},
            {"operations", use.layers ? Json() : Json(forecast.operations)},
            {"cores", cores},
            {"seconds", seconds(measured.recommend)},
            {"items_per_user", use.list_length},
            {"lists", forecast.lists}}}};
}

void print_use(const Json& record) {
  const Json& evaluate = record["evaluate"];
  std::cout << fmt::format("{:<13} a rank holds {} for one K; all users{}\n", "evaluate",
                           size_text(evaluate["held_per_rank"]), work_text(evaluate));
  const Json& recommend = record["recommend"];
  std::cout << fmt::format("{:<13} a rank holds {}; {} items for all users{}, about {} of TSV\n",
                           "recommend", size_text(recommend["held_per_rank"]),
                           recommend["items_per_user"].get<std::uint64_t>(), work_text(recommend),
                           size_text(recommend["lists"]));
}

}  // namespace factorps::apps

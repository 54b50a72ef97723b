#include "apps/evaluate_ranking.hpp"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <optional>
#include <span>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "apps/protocol.hpp"
#include "apps/strip_ranking.hpp"
#include "apps/text_output.hpp"
#include "comm/environment.hpp"

namespace factorps::apps {
namespace {

using Json = nlohmann::ordered_json;

std::string header(const std::vector<std::string>& names) {
  std::string line = "user\tcandidates\trelevant";
  for (const std::string& name : names) line += '\t' + name;
  return line + '\n';
}

/// Collective: strips go round, rank 0 adds them up in order. @param out none elsewhere
RankingSums rank_strips(const StripRanker& ranker, std::size_t metrics, const Dataset& dataset,
                        TextOutput* out, const comm::Environment& environment) {
  RankingSums total{metrics};
  const auto ranks = static_cast<std::uint32_t>(environment.size());
  const std::uint32_t strips = dataset.grid().strips();
  for (std::uint32_t first = 0; first < strips; first += ranks) {
    const std::uint32_t mine = first + static_cast<std::uint32_t>(environment.rank());
    std::vector<std::byte> bytes;
    if (mine < strips) bytes = to_bytes(ranker.run(StripId{mine}));
    for (const auto& one : environment.gather(bytes)) {
      if (one.empty()) continue;
      const StripRanking result = from_bytes(one, metrics);
      total.add(result.sums);
      if (out != nullptr) out->write(result.lines);
    }
  }
  return total;
}

Json metrics_json(const RankingSums& sums, const std::vector<std::string>& names) {
  Json metrics;
  const double n = sums.users;
  for (std::size_t m = 0; m < names.size(); ++m) {
    const double mean = sums.metric[m] / n;
    const double variance = std::max(0.0, sums.metric[names.size() + m] / n - mean * mean);
    const Json error = n > 1 ? Json(std::sqrt(variance / (n - 1))) : Json();
    metrics[names[m]] = n > 0 ? Json{{"mean", mean}, {"standard_error", error}} : Json();
  }
  return metrics;
}

Json protocol(const EvaluateOptions& options, const Dataset& dataset, const RankingSums& sums) {
  const bool testing = options.part == part_name(Part::test);
  Json how = data_protocol(dataset, options.part);
  how["candidates"] =
      fmt::format("all {} items but those of the user in {}", dataset.grid().items(),
                  testing ? "train and validation" : "train");
  how["relevant"] = options.relevant_from
                        ? fmt::format("values of at least {}", *options.relevant_from)
                        : "every interaction of the part";
  how["ties"] = options.pessimistic ? "pessimistic" : "expected over random order";
  how["users"] = sums.users;
  how["users_without_relevant_items"] = sums.skipped;
  how["users_without_training_data"] = sums.cold;
  how["relevant_items"] = sums.relevant;
  return how;
}

void print_text(const Json& result, const EvaluateOptions& options) {
  const Json& how = result["protocol"];
  print_head(result);
  print_line("part", options.part);
  print_line("candidates", how["candidates"].get<std::string>());
  print_line(
      "relevant",
      fmt::format("{}: {:.0f} of {:.0f} users ({:.0f} users have none; {:.0f} had no "
                  "training data)",
                  how["relevant"].get<std::string>(), how["relevant_items"].get<double>(),
                  how["users"].get<double>(), how["users_without_relevant_items"].get<double>(),
                  how["users_without_training_data"].get<double>()));
  print_line("ties", how["ties"].get<std::string>());
  for (const auto& [name, value] : result["metrics"].items()) {
    if (value.is_null()) continue;
    const Json& error = value["standard_error"];
    std::cout << fmt::format("{:<18} {:.5f}", name, value["mean"].get<double>());
    std::cout << (error.is_null() ? "\n" : fmt::format(" +- {:.5f}\n", error.get<double>()));
  }
}

}  // namespace

ExitCode evaluate_ranking(const EvaluateOptions& options, const Dataset& dataset,
                          const Ranker& ranker, Json result, const comm::Environment& environment) {
  if (options.part == part_name(Part::train)) {
    throw ConfigError{
        "--at ranks items that are not in the training data: expected --part "
        "validation or test"};
  }
  const std::vector<std::string> names = ranking_metrics(options);
  std::optional<TextOutput> out;
  if (environment.rank() == 0 && !options.per_user.empty()) {
    out.emplace(options.per_user);
    out->write(header(names));
  }
  const RankingSums sums = rank_strips({options, dataset, ranker}, names.size(), dataset,
                                       out ? &*out : nullptr, environment);
  if (environment.rank() != 0) return ExitCode::done;
  if (out) out->commit();
  result["protocol"] = protocol(options, dataset, sums);
  result["metrics"] = metrics_json(sums, names);
  if (options.output.json) {
    std::cout << result.dump(2) << '\n';
  } else {
    print_text(result, options);
  }
  return ExitCode::done;
}

}  // namespace factorps::apps

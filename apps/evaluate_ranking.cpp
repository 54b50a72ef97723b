#include "apps/evaluate_ranking.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <iostream>
#include <memory>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "apps/protocol.hpp"
#include "apps/strip_ranking.hpp"
#include "apps/text_output.hpp"
#include "apps/user_file.hpp"
#include "comm/environment.hpp"
#include "eval/item_lists.hpp"

namespace factorps::apps {
namespace {

using Json = nlohmann::ordered_json;

/// The beginning of a file of users. @param how the protocol
std::string header(const Json& predictor, const Json& how, const std::vector<std::string>& names) {
  std::string line = user_file_head(predictor, how, names) + "user\tcandidates\trelevant";
  for (const std::string& name : names) line += '\t' + name;
  return line + '\n';
}

/// Files with a line per user; none where there is nothing to write.
struct Outputs {
  std::unique_ptr<TextOutput> metrics;
  std::unique_ptr<TextOutput> candidates;
};

/// Collective: strips go round, rank 0 adds them up in order.
StripRanking rank_strips(const StripRanker& ranker, const Dataset& dataset,
                         Recommended& recommended, const Outputs& out,
                         const comm::Environment& environment) {
  StripRanking total = ranker.nothing();
  const auto ranks = static_cast<std::uint32_t>(environment.size());
  const std::uint32_t strips = dataset.grid().strips();
  for (std::uint32_t first = 0; first < strips; first += ranks) {
    const std::uint32_t mine = first + static_cast<std::uint32_t>(environment.rank());
    std::vector<std::byte> bytes;
    if (mine < strips) bytes = to_bytes(ranker.run(StripId{mine}, recommended));
    for (const auto& one : environment.gather(bytes)) {
      if (one.empty()) continue;
      const StripRanking result = from_bytes(one, ranker.nothing());
      for (std::size_t n = 0; n < total.sums.size(); ++n) total.sums[n].add(result.sums[n]);
      if (out.metrics) out.metrics->write(result.lines);
      if (out.candidates) out.candidates->write(result.candidates);
    }
  }
  return total;
}

/// Collective: adds up on rank 0. Counts, so the order does not matter.
void add_up(std::span<std::uint64_t> counts, const comm::Environment& environment) {
  constexpr std::size_t kChunk = std::size_t{1} << 20;  // of every rank at once: 8 MiB each
  for (std::size_t first = 0; first < counts.size(); first += kChunk) {
    const auto some = counts.subspan(first, std::min(kChunk, counts.size() - first));
    const auto parts = environment.gather(std::as_bytes(some));
    for (std::size_t rank = 1; rank < parts.size(); ++rank) {
      std::vector<std::uint64_t> theirs(some.size());
      std::memcpy(theirs.data(), parts[rank].data(), parts[rank].size());
      std::ranges::transform(some, theirs, some.begin(), std::plus{});
    }
  }
}

Json metrics_json(const RankingSums& sums, const std::vector<std::string>& names) {
  Json metrics = Json::object();
  for (std::size_t m = 0; m < names.size(); ++m) {
    const double n = sums.count(m);
    if (n == 0) {
      metrics[names[m]] = nullptr;
      continue;
    }
    const double mean = sums.sum(m) / n;
    const double variance = std::max(0.0, sums.squares(m) / n - mean * mean);
    const Json error = n > 1 ? Json(std::sqrt(variance / (n - 1))) : Json();
    metrics[names[m]] = {{"mean", mean}, {"standard_error", error}};
    if (n != sums.users()) metrics[names[m]]["users"] = n;
  }
  return metrics;
}

/// What all lists together are like.
Json lists_json(const EvaluateOptions& options, const Recommended& recommended,
                const Json& metrics) {
  Json lists = Json::object();
  for (std::size_t n = 0; n < recommended.size(); ++n) {
    const auto spread = eval::spread_over_items(recommended[n]);
    const std::string at = fmt::format("@{}", options.at[n]);
    lists["coverage" + at] = spread.coverage;
    lists["gini" + at] = spread.gini;
    lists["entropy" + at] = spread.entropy;
    const Json& own = metrics["history_popularity"];
    const Json& listed = metrics["popularity" + at];
    lists["popularity_lift" + at] =
        own.is_null() || listed.is_null()
            ? Json()
            : Json(listed["mean"].get<double>() / own["mean"].get<double>() - 1);
  }
  return lists;
}

Json segments_json(const StripRanker& ranker, const std::vector<RankingSums>& sums) {
  Json segments = Json::object();
  const Segments& kinds = ranker.segments();
  for (std::size_t n = 0; n < kinds.size(); ++n) {
    Json& segment = segments[kinds.name(n)];
    const RankingSums& some = sums[1 + n];
    if (!kinds.of_users(n)) segment["items"] = kinds.rows(n);
    segment["users"] = some.users();
    segment["relevant_items"] = some.relevant();
    segment["metrics"] = metrics_json(some, ranker.metrics().names());
  }
  return segments;
}

std::string candidates(const EvaluateOptions& options, const StripRanker& ranker) {
  if (ranker.given())
    return fmt::format("the relevant ones and {} from", ranker.given()->describe());
  if (!options.sampled) return "all";
  return fmt::format("the relevant ones and {} of each user, sampled (seed {}) from",
                     *options.sampled, options.seed);
}

Json protocol(const EvaluateOptions& options, const Dataset& dataset, const StripRanker& ranker) {
  const bool testing = options.part == part_name(Part::test);
  Json how = data_protocol(dataset, options.part);
  how["candidates"] =
      fmt::format("{} {} items but those of the user in {}", candidates(options, ranker),
                  dataset.grid().items(), testing ? "train and validation" : "train");
  how["relevant"] = options.relevant_from
                        ? fmt::format("values of at least {}", *options.relevant_from)
                        : "every interaction of the part";
  how["ties"] = options.pessimistic ? "pessimistic" : "expected over random order";
  if (ranker.metrics().has_lists()) how["list_ties"] = "by item row";
  if (options.segments) {
    how["segments"] = fmt::format(
        "users: cold below {} training interactions; items by training interactions, descending: "
        "head up to 1/3 of all, torso up to 2/3, tail; relevant items of other segments are "
        "candidates",
        options.cold_below);
  }
  if (!options.segments_by.empty()) {
    how["segments_by"] = fmt::format(
        "{}: the {} values that most users or items have, others, none; relevant items of other "
        "segments are candidates",
        fmt::join(options.segments_by, ", "), Segments::kMostValues);
  }
  return how;
}

void add_counts(const RankingSums& sums, Json& how) {
  how["users"] = sums.users();
  how["users_without_relevant_items"] = sums.skipped();
  how["users_without_training_data"] = sums.cold();
  how["relevant_items"] = sums.relevant();
}

void print_metrics(const std::string& prefix, const Json& metrics) {
  for (const auto& [name, value] : metrics.items()) {
    if (value.is_null()) continue;
    const Json& error = value["standard_error"];
    std::cout << fmt::format("{:<18} {:.5f}", prefix + name, value["mean"].get<double>());
    std::cout << (error.is_null() ? "\n" : fmt::format(" +- {:.5f}\n", error.get<double>()));
  }
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
  for (const char* kind : {"segments", "segments_by"}) {
    if (how.contains(kind)) print_line("segments", how[kind].get<std::string>());
  }
  print_metrics("", result["metrics"]);
  for (const auto& [name, value] : result["lists"].items()) {
    if (!value.is_null()) std::cout << fmt::format("{:<18} {:.5f}\n", name, value.get<double>());
  }
  if (!result.contains("segments")) return;
  for (const auto& [name, segment] : result["segments"].items()) {
    print_metrics(name + ' ', segment["metrics"]);
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
  const StripRanker strips{options, dataset, ranker};
  const std::vector<std::string>& names = strips.metrics().names();
  result["protocol"] = protocol(options, dataset, strips);
  Outputs out;
  if (environment.rank() == 0 && !options.per_user.empty()) {
    out.metrics = std::make_unique<TextOutput>(options.per_user);
    out.metrics->write(header(result["predictor"], result["protocol"], names));
  }
  if (environment.rank() == 0 && !options.write_candidates.empty())
    out.candidates = std::make_unique<TextOutput>(options.write_candidates);
  Recommended recommended = strips.metrics().none_recommended();
  const StripRanking total = rank_strips(strips, dataset, recommended, out, environment);
  for (auto& counts : recommended) add_up(counts, environment);
  if (environment.rank() != 0) return ExitCode::done;
  if (out.metrics) out.metrics->commit();
  if (out.candidates) out.candidates->commit();
  add_counts(total.sums[0], result["protocol"]);
  result["metrics"] = metrics_json(total.sums[0], names);
  result["lists"] = lists_json(options, recommended, result["metrics"]);
  if (strips.segments().size() > 0) result["segments"] = segments_json(strips, total.sums);
  if (options.output.json) {
    // Names of attributes and their values may hold any bytes.
    std::cout << result.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
  } else {
    print_text(result, options);
  }
  return ExitCode::done;
}

}  // namespace factorps::apps

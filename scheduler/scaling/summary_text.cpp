#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "scheduler/plan.hpp"
#include "scheduler/scaling/summary.hpp"

namespace factorps::scheduler {
namespace {

using nlohmann::json;

constexpr std::size_t kTermsOfFit = 3;

json to_json(const Estimate& e) { return {{"value", e.value}, {"low", e.low}, {"high", e.high}}; }

json to_json(const ScalingPoint& p) {
  return {{"layout", p.layout.name()},
          {"workers", p.workers},
          {"nodes", p.nodes},
          {"runs", p.runs},
          {"epoch_seconds", p.epoch_seconds},
          {"speed_up", to_json(p.speed_up)},
          {"efficiency", to_json(p.efficiency)},
          {"cpu_seconds", p.cpu_seconds},
          {"cpu_efficiency", to_json(p.cpu_efficiency)},
          {"bytes_per_node", p.bytes_per_node},
          {"stalled", p.stalled},
          {"seconds", to_json(p.time)},
          {"oversubscribed", p.oversubscribed},
          {"pretended_nodes", p.pretended},
          {"model_sha256", p.model_sha256}};
}

/// The one with the most workers that the fit has seen.
const ScalingPoint& largest_fitted(const ScalingGroup& group) {
  return *std::find_if(group.points.rbegin(), group.points.rend(),
                       [](const ScalingPoint& p) { return !p.oversubscribed; });
}

json fit_record(const ScalingGroup& group) {
  if (!group.fit) return {};
  const ScalingPoint& largest = largest_fitted(group);
  return {{"serial_fraction", group.fit->serial_fraction()},
          {"network_share", group.fit->network_share(largest.fitted)},
          {"network_share_of", largest.layout.name()},
          {"serial_seconds_per_interaction", group.fit->serial},
          {"parallel_seconds_per_interaction", group.fit->parallel},
          {"network_seconds_per_byte", group.fit->network},
          {"relative_residual", group.fit->residual},
          {"runs", group.fitted_runs},
          {"layouts", group.fitted_layouts}};
}

json to_json(const ScalingGroup& group) {
  json points = json::array();
  for (const ScalingPoint& point : group.points) points.push_back(to_json(point));
  return {{"dim", group.dim},
          {"grid", group.grid},
          {"baseline", group.points.front().layout.name()},
          {"points", points},
          {"fit", fit_record(group)}};
}

std::string with_interval(const Estimate& e, std::size_t runs) {
  if (runs < 2) return fmt::format("{:.2f}", e.value);
  return fmt::format("{:.2f} ({:.2f}-{:.2f})", e.value, e.low, e.high);
}

/// Marks behind the layout that the cautions explain.
std::string marked(const ScalingPoint& p) {
  return fmt::format("{}{}{}", p.layout.name(), p.oversubscribed ? " !" : "",
                     p.pretended ? " ~" : "");
}

std::string line(const ScalingPoint& p, std::size_t runs_of_baseline) {
  const std::size_t runs = std::min(p.runs, runs_of_baseline);
  return fmt::format("{:<10}{:>7}{:>4}{:>10.4f}  {:<18}{:<18}{:>8.4f}  {:<18}{:>6.1f} %{:>11}\n",
                     marked(p), p.workers, p.runs, p.epoch_seconds, with_interval(p.speed_up, runs),
                     with_interval(p.efficiency, runs), p.cpu_seconds,
                     with_interval(p.cpu_efficiency, runs), 100 * p.stalled,
                     size_text(static_cast<std::uint64_t>(p.bytes_per_node)));
}

/// A load average that the experiment can have caused: that of its largest run, not yet forgotten,
/// and a little of everybody's.
double busiest_of_itself(const ScalingSummary& summary) {
  int most = 0;
  for (const ScalingGroup& group : summary.groups) {
    most = std::max(most, group.points.back().workers);
  }
  return summary.cores + most;
}

template <class Flag>
std::string layouts_with(const ScalingSummary& summary, Flag flag) {
  std::vector<std::string> names;
  for (const ScalingGroup& group : summary.groups) {
    for (const ScalingPoint& p : group.points) {
      const std::string name = p.layout.name();
      if (flag(p) && std::ranges::count(names, name) == 0) names.push_back(name);
    }
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

json to_json(const ScalingSummary& summary) {
  json groups = json::array();
  for (const ScalingGroup& group : summary.groups) groups.push_back(to_json(group));
  return {{"mode", summary.mode},
          {"planned_runs", summary.planned},
          {"missing_runs", summary.missing},
          {"disagreements", summary.disagreements},
          {"models_agree", summary.disagreements.empty()},
          {"cores", summary.cores},
          {"load_average", summary.load_average},
          {"hosts", summary.hosts},
          {"cautions", cautions(summary)},
          {"groups", groups}};
}

std::string fit_sentence(const ScalingGroup& group) {
  if (!group.fit) {
    return fmt::format(
        "no fit: {} layout{} with a core for each worker; expected three that differ in workers or "
        "bytes, with two numbers of workers",
        group.fitted_layouts, group.fitted_layouts == 1 ? "" : "s");
  }
  const ScalingPoint& largest = largest_fitted(group);
  return fmt::format(
      "fit: serial fraction {:.3f}, network share {:.3f} at {}; relative residual {:.1f} % ({} "
      "runs of {} layouts{})",
      group.fit->serial_fraction(), group.fit->network_share(largest.fitted), largest.layout.name(),
      100 * group.fit->residual, group.fitted_runs, group.fitted_layouts,
      group.fitted_layouts > kTermsOfFit ? "" : ", too few to contradict the model");
}

std::vector<std::string> cautions(const ScalingSummary& summary) {
  std::vector<std::string> all = summary.disagreements;
  if (!summary.missing.empty()) {
    all.push_back(fmt::format("{} of {} runs have no result: {}", summary.missing.size(),
                              summary.planned, fmt::join(summary.missing, ", ")));
  }
  const std::string over = layouts_with(summary, [](const auto& p) { return p.oversubscribed; });
  if (!over.empty()) {
    all.push_back(fmt::format(
        "! more workers than the {} cores of a machine: {}. Their speed-up and efficiency say "
        "nothing of the program; compare CPU efficiency",
        summary.cores, over));
  }
  if (summary.load_average > busiest_of_itself(summary)) {
    all.push_back(fmt::format(
        "other programs had the cores: load average up to {:.1f} before a run on {} cores. Times "
        "and ratios of times are theirs too",
        summary.load_average, summary.cores));
  }
  const std::string pretend = layouts_with(summary, [](const auto& p) { return p.pretended; });
  if (!pretend.empty()) {
    all.push_back("~ several nodes on one machine: " + pretend +
                  ". Their blocks crossed memory, no network");
  }
  const std::string few = layouts_with(summary, [](const auto& p) { return p.runs < 5; });
  if (!few.empty()) {
    all.push_back("fewer than 5 runs: " + few + ". Their intervals are too narrow, or missing");
  }
  return all;
}

std::string scaling_table(const ScalingSummary& summary) {
  std::string text;
  for (const ScalingGroup& group : summary.groups) {
    text += fmt::format("{} scaling, {}; baseline {}; medians, 95 % bootstrap intervals\n",
                        summary.mode, group.name(), group.points.front().layout.name());
    text += fmt::format("{:<10}{:>7}{:>4}{:>10}  {:<18}{:<18}{:>8}  {:<18}{:>8}{:>11}\n", "layout",
                        "workers", "n", "epoch s", "speed-up", "efficiency", "CPU s",
                        "CPU efficiency", "stalled", "per node");
    for (const ScalingPoint& p : group.points) text += line(p, group.points.front().runs);
    text += fit_sentence(group) + "\n\n";
  }
  for (const std::string& caution : cautions(summary)) text += caution + '\n';
  return text;
}

}  // namespace factorps::scheduler

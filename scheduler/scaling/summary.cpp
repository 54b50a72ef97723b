#include "scheduler/scaling/summary.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>

namespace factorps::scheduler {
namespace {

using Records = std::vector<const ScalingRecord*>;

double epoch_of(const ScalingRecord& r) { return median(r.epoch_seconds); }
double cpu_of_epoch(const ScalingRecord& r) {
  return r.cpu_seconds / static_cast<double>(r.epoch_seconds.size());
}
/// Seconds, of the clock or of processors, that an interaction took.
double per_interaction(const ScalingRecord& r, double seconds) {
  return seconds / static_cast<double>(r.interactions);
}
double clock_cost(const ScalingRecord& r) { return per_interaction(r, epoch_of(r)); }
double cpu_cost(const ScalingRecord& r) { return per_interaction(r, cpu_of_epoch(r)); }

template <class Value>
std::vector<double> each(const Records& records, Value value) {
  std::vector<double> values;
  for (const ScalingRecord* r : records) values.push_back(value(*r));
  return values;
}

/// How many times cheaper than the baseline; exactly 1 for the baseline itself.
Estimate gain(const Records& baseline, const Records& own, double (*cost)(const ScalingRecord&),
              std::uint64_t seed) {
  if (&baseline == &own) return {1, 1, 1};
  return ratio_of_medians(each(baseline, cost), each(own, cost), seed);
}

Estimate divided(const Estimate& e, double by) { return {e.value / by, e.low / by, e.high / by}; }

/// Of an epoch: the mean over runs and workers.
TimeSplit mean_time(const Records& records) {
  TimeSplit mean;
  for (const ScalingRecord* r : records) {
    const double runs_epochs = static_cast<double>(records.size() * r->epoch_seconds.size());
    const double all = runs_epochs * r->workers;
    mean.compute += r->time.compute / all;
    mean.wait_turn += r->time.wait_turn / all;
    mean.wait_block += r->time.wait_block / all;
    mean.evaluate += r->time.evaluate / runs_epochs;
    mean.checkpoint += r->time.checkpoint / runs_epochs;
  }
  return mean;
}

FitPoint fit_point(const ScalingRecord& r) {
  return {static_cast<double>(r.interactions), r.workers, r.block_bytes / r.nodes, epoch_of(r)};
}

ScalingPoint point_of(const Records& baseline, const Records& own, std::uint64_t seed) {
  const ScalingRecord& first = *own.front();
  ScalingPoint point;
  point.layout = first.run.layout;
  point.workers = first.workers;
  point.nodes = first.nodes;
  point.runs = own.size();
  point.epoch_seconds = median(each(own, epoch_of));
  point.speed_up = gain(baseline, own, clock_cost, seed);
  point.efficiency =
      divided(point.speed_up, static_cast<double>(first.workers) / baseline.front()->workers);
  point.cpu_seconds = median(each(own, cpu_of_epoch));
  point.cpu_efficiency = gain(baseline, own, cpu_cost, seed);
  point.bytes_per_node = first.block_bytes / first.nodes;
  point.time = mean_time(own);
  const double whole = point.time.worker_seconds();
  point.stalled = whole > 0 ? 1 - point.time.compute / whole : 0;
  point.fitted = fit_point(first);
  point.oversubscribed = std::ranges::any_of(own, [](auto* r) { return r->oversubscribed(); });
  point.pretended = first.pretended();
  point.model_sha256 = first.model_sha256;
  return point;
}

ScalingGroup group_of(const Records& records, std::uint64_t seed) {
  std::map<std::tuple<int, int, int>, Records> layouts;  // by workers, nodes, servers
  for (const ScalingRecord* r : records) {
    const ScalingLayout& layout = r->run.layout;
    layouts[{layout.all_workers(), layout.nodes, layout.servers}].push_back(r);
  }
  const Records& baseline = layouts.begin()->second;
  ScalingGroup group;
  group.dim = records.front()->run.dim;
  group.grid = fmt::format("{}x{}", records.front()->strips, records.front()->blocks);
  std::vector<FitPoint> fitted;
  for (const auto& [key, own] : layouts) {
    group.points.push_back(point_of(baseline, own, seed));
    if (group.points.back().oversubscribed) continue;
    ++group.fitted_layouts;
    for (const ScalingRecord* r : own) fitted.push_back(fit_point(*r));
  }
  group.fitted_runs = fitted.size();
  group.fit = fit_scaling(fitted);
  return group;
}

/// Of records with the same key most should be right: names those whose value is another.
template <class Key, class Value>
void require_equal(std::span<const ScalingRecord> records, Key key, Value value,
                   const std::string& what, std::vector<std::string>& disagreements) {
  std::map<std::string, std::map<std::string, Records>> by_value;  // [key][value]
  for (const ScalingRecord& r : records) by_value[key(r)][value(r)].push_back(&r);
  for (const auto& [same, values] : by_value) {
    const auto& [right, most] = *std::ranges::max_element(
        values, {}, [](const auto& entry) { return entry.second.size(); });
    for (const auto& [other, wrong] : values) {
      if (other == right) continue;
      for (const ScalingRecord* r : wrong) {
        disagreements.push_back(fmt::format("{} has {} {:.16}, {} has {:.16}: expected the same",
                                            r->run.id(), what, other, most.front()->run.id(),
                                            right));
      }
    }
  }
}

/// What decides the bits of a model.
std::string key_of_model(const ScalingRecord& r) {
  const int nodes = r.wire == "fp32" ? 0 : r.nodes;  // other wires round at every crossing
  return fmt::format("{}\n{}\n{}\n{}", r.identity, r.fingerprint, r.instruction_set, nodes);
}

std::vector<std::string> disagreements_of(std::span<const ScalingRecord> records) {
  std::vector<std::string> found;
  require_equal(
      records, [](const auto& r) { return r.identity; },
      [](const auto& r) { return r.fingerprint; }, "dataset", found);
  require_equal(
      records, key_of_model, [](const auto& r) { return r.model_sha256; }, "model SHA-256", found);
  return found;
}

std::vector<std::string> missing_runs(const std::vector<ScalingRun>& planned,
                                      std::span<const ScalingRecord> records) {
  std::set<std::string> there;
  for (const ScalingRecord& r : records) there.insert(r.run.id());
  std::vector<std::string> missing;
  for (const ScalingRun& run : planned) {
    if (!there.contains(run.id())) missing.push_back(run.id());
  }
  std::ranges::sort(missing);
  return missing;
}

}  // namespace

std::string ScalingGroup::name() const { return fmt::format("dim {}, grid {}", dim, grid); }

ScalingSummary summarise(const Config& config, std::span<const ScalingRecord> records) {
  const auto planned = scaling_runs(config);
  ScalingSummary summary;
  summary.mode = config.scaling.mode;
  summary.planned = planned.size();
  summary.missing = missing_runs(planned, records);
  summary.disagreements = disagreements_of(records);
  summary.cores = records.front().facts.cores;
  std::set<std::string> hosts;
  std::map<std::tuple<std::int64_t, std::int64_t, std::int64_t>, Records> groups;
  for (const ScalingRecord& r : records) {
    summary.load_average = std::max(summary.load_average, r.facts.load_average);
    hosts.insert(r.hosts.begin(), r.hosts.end());
    groups[{r.run.dim, r.run.grid.strips, r.run.grid.blocks}].push_back(&r);
  }
  summary.hosts.assign(hosts.begin(), hosts.end());
  for (const auto& [key, own] : groups) {
    summary.groups.push_back(group_of(own, config.scaling.seed));
  }
  return summary;
}

}  // namespace factorps::scheduler

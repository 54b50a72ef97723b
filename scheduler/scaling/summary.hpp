/// What the runs of a scaling experiment say together. Pure functions of their records.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "scheduler/scaling/record.hpp"
#include "scheduler/scaling/statistics.hpp"

namespace factorps::scheduler {

/// The runs of one layout on one dataset with one dim.
struct ScalingPoint {
  ScalingLayout layout;
  int workers = 1;
  int nodes = 1;
  std::size_t runs = 0;
  double epoch_seconds = 0;   ///< median over runs of the median over epochs
  Estimate speed_up;          ///< interactions per second, relative to the baseline
  Estimate efficiency;        ///< speed-up / (workers / workers of the baseline)
  double cpu_seconds = 0;     ///< of all workers in an epoch, median over runs
  Estimate cpu_efficiency;    ///< interactions per CPU second, relative to the baseline
  double bytes_per_node = 0;  ///< received in an epoch
  double stalled = 0;         ///< share of the workers' time that was waiting
  TimeSplit time;             ///< of an epoch: the mean worker, the mean run
  FitPoint fitted;            ///< where the fit sees it
  bool oversubscribed = false;
  bool pretended = false;
  std::string model_sha256;
};

/// All layouts with one dim and one grid; the baseline is the one with the fewest workers, then
/// nodes.
struct ScalingGroup {
  std::int64_t dim = 1;
  std::string grid;                  ///< "32x16"
  std::vector<ScalingPoint> points;  ///< by workers, then nodes; the first is the baseline
  std::optional<ScalingFit> fit;     ///< of the runs whose workers had a core each
  std::size_t fitted_runs = 0;
  std::size_t fitted_layouts = 0;

  [[nodiscard]] std::string name() const;  ///< "dim 16, grid 32x16"
};

struct ScalingSummary {
  std::string mode;
  std::size_t planned = 0;           ///< runs
  std::vector<std::string> missing;  ///< ids of runs that have no result
  /// Sentences about runs that should have had the same model, or the same dataset, and had not.
  std::vector<std::string> disagreements;
  int cores = 0;            ///< of a machine, as the first run saw it
  double load_average = 0;  ///< the highest before a run
  std::vector<std::string> hosts;
  std::vector<ScalingGroup> groups;
};

/// @param records of runs of `config`; at least one
[[nodiscard]] ScalingSummary summarise(const Config& config,
                                       std::span<const ScalingRecord> records);

/// scaling.json.
[[nodiscard]] nlohmann::json to_json(const ScalingSummary& summary);
/// The numbers for a terminal, one table per group, and what must be known to read them.
[[nodiscard]] std::string scaling_table(const ScalingSummary& summary);
/// The fit of a group in a sentence, or why there is none.
[[nodiscard]] std::string fit_sentence(const ScalingGroup& group);
/// What must be known to read the numbers: runs without result, disagreements, too few cores,
/// other programs, pretended nodes, few repetitions.
[[nodiscard]] std::vector<std::string> cautions(const ScalingSummary& summary);

}  // namespace factorps::scheduler

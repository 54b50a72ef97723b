#include "apps/calibration.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "apps/job.hpp"
#include "common/timer.hpp"
#include "scheduler/scaling/statistics.hpp"

namespace factorps::apps {
namespace {

constexpr double kSeconds = 2;        // of measured training passes
constexpr std::size_t kPasses = 5;    // of them at least
constexpr double kFactors = 250e6;    // factors of one worker per pass: about a tenth of a second
constexpr std::size_t kCheckups = 3;  // evaluations

/// The first strips: as many as give every thread enough to do.
Grid sample_of(const Dataset& dataset, std::int64_t dim, int threads) {
  Grid grid = dataset.grid();
  const auto cells = dataset.cell_sizes(Part::train);
  const auto wanted = static_cast<std::uint64_t>(threads * kFactors / static_cast<double>(dim));
  const auto fewest = std::min(grid.strips(), 2 * static_cast<std::uint32_t>(threads));
  std::uint64_t found = 0;
  std::uint32_t strips = 0;
  while (strips < grid.strips() && (strips < fewest || found < wanted)) {
    for (std::uint32_t b = 0; b < grid.blocks(); ++b) {
      found += cells[grid.cell_index(StripId{strips}, BlockId{b})];
    }
    ++strips;
  }
  grid.strip_begin.resize(strips + 1);
  return grid;
}

/// Seconds of a worker per interaction of one pass, with its waits.
double seconds_each(scheduler::Cluster& cluster, comm::PassKind kind, Calibration& result) {
  comm::StartPass start;
  start.kind = kind;
  start.part = static_cast<std::uint8_t>(Part::train);
  const auto pass = cluster.run_pass(start, [](std::uint64_t) {});
  result.interactions = 0;
  for (const auto& worker : pass.workers) result.interactions += worker.interactions;
  return pass.seconds * result.threads /
         static_cast<double>(std::max<std::uint64_t>(result.interactions, 1));
}

void measure(scheduler::Cluster& cluster, Calibration& result) {
  cluster.run({comm::CommandKind::initialise, {}, {}});
  static_cast<void>(seconds_each(cluster, comm::PassKind::train, result));  // touches all pages
  std::vector<double> training;
  for (const Stopwatch watch; training.size() < kPasses || watch.seconds() < kSeconds;) {
    training.push_back(seconds_each(cluster, comm::PassKind::train, result));
  }
  std::vector<double> evaluation;
  while (evaluation.size() < kCheckups) {
    evaluation.push_back(seconds_each(cluster, comm::PassKind::evaluate, result));
  }
  result.passes = training.size();
  result.speed = {scheduler::median(std::move(training)), scheduler::median(std::move(evaluation))};
}

}  // namespace

Calibration calibrate(const Config& config, const Dataset& dataset, int threads,
                      const comm::Environment& environment) {
  const Stopwatch stopwatch;
  const Grid grid = sample_of(dataset, config.model.dim, threads);
  Calibration result;
  result.threads = threads;
  run_alone(config, dataset, grid, threads, choose_kernels(config, environment), environment,
            [&](scheduler::Cluster& cluster, const auto&) { measure(cluster, result); });
  result.seconds = stopwatch.seconds();
  return result;
}

}  // namespace factorps::apps

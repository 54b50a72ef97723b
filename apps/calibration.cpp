#include "apps/calibration.hpp"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "apps/job.hpp"
#include "common/random.hpp"
#include "common/timer.hpp"
#include "eval/full_ranking.hpp"
#include "eval/topk.hpp"
#include "scheduler/scaling/statistics.hpp"

namespace factorps::apps {
namespace {

constexpr double kSeconds = 2;        // of measured training passes
constexpr std::size_t kPasses = 5;    // of them at least
constexpr double kFactors = 250e6;    // factors of one worker per pass: about a tenth of a second
constexpr std::size_t kCheckups = 3;  // evaluations
constexpr std::size_t kListLength = 20;
constexpr std::size_t kHeldOut = 10;  // items of a user

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

/// Like those of a trained model: no two items have equal scores.
std::vector<float> noise(std::size_t count) {
  const RandomStream stream{1, Purpose::init_item};
  std::vector<float> values(count);
  for (std::size_t n = 0; n < count; ++n) values[n] = static_cast<float>(stream.normal(n));
  return values;
}

template <class Work>
double median_seconds(Work&& work) {
  constexpr std::size_t kRounds = 5;
  std::vector<double> seconds;
  while (seconds.size() < kRounds) {
    const double before = thread_cpu_seconds();
    work();
    seconds.push_back(thread_cpu_seconds() - before);
  }
  return scheduler::median(std::move(seconds));
}

}  // namespace

RankingSpeed measure_rankings(std::uint64_t dim, std::uint64_t items) {
  constexpr std::size_t kMostFloats = std::size_t{1} << 22;  // 16 MiB: more than caches hold
  const std::size_t some =
      std::min<std::size_t>(items, kMostFloats / std::max<std::size_t>(dim, 1));
  const auto rows = noise(some * dim);
  const auto users = noise(eval::kQueryBlock * dim);
  const std::vector<float> bias(some);
  const eval::ItemTable table{dim, rows, bias, {}, {}};
  const eval::FactorScorer scorer{table};
  std::vector<eval::Query> queries(eval::kQueryBlock);
  for (std::size_t q = 0; q < queries.size(); ++q) {
    queries[q].factors = std::span{users}.subspan(q * dim, dim);
  }
  std::vector<std::uint32_t> held_out(std::min(some, kHeldOut));
  std::iota(held_out.begin(), held_out.end(), 0U);
  const std::vector<std::span<const std::uint32_t>> relevant(queries.size(), held_out);
  std::vector<float> memory;
  const auto pairs = static_cast<double>(queries.size() * some);
  return {
      median_seconds([&] {
        static_cast<void>(eval::rank_users(scorer, queries, relevant, kListLength, memory));
      }) / pairs,
      median_seconds([&] { static_cast<void>(eval::top_k(table, queries, kListLength)); }) / pairs};
}

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

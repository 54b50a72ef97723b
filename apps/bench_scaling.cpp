#include <algorithm>
#include <cstdio>
#include <iostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/commands.hpp"
#include "apps/scaling_experiment.hpp"
#include "comm/environment.hpp"
#include "common/process.hpp"
#include "io/files.hpp"
#include "scheduler/scaling/page.hpp"
#include "scheduler/scaling/pictures.hpp"

namespace factorps::apps {
namespace {

namespace fs = std::filesystem;
using scheduler::ScalingRun;

/// The runs that this call is about.
std::vector<ScalingRun> chosen_runs(const BenchScalingOptions& options, const Config& config) {
  auto runs = scheduler::scaling_runs(config);
  if (options.only < 0) return runs;
  if (options.only >= static_cast<std::int64_t>(runs.size())) {
    throw ConfigError{
        fmt::format("--only {}: expected a number from 0 to {}", options.only, runs.size() - 1)};
  }
  return {runs[static_cast<std::size_t>(options.only)]};
}

void list(const std::vector<ScalingRun>& runs) {
  for (std::size_t k = 0; k < runs.size(); ++k) {
    const ScalingLayout& layout = runs[k].layout;
    std::cout << fmt::format("{}\t{}\t{}\t{}\n", k, layout.nodes, layout.ranks(), runs[k].id());
  }
}

/// Goes on after a failed run. @return the exit code of the first that failed
ExitCode measure_all(const BenchScalingOptions& options, const Config& config) {
  const ScalingExperiment experiment{options, config};
  const auto runs = chosen_runs(options, config);
  for (const ScalingRun& run : runs) {
    if (!experiment.is_measured(run)) experiment.prepare(run);
  }
  ExitCode first = ExitCode::done;
  for (const ScalingRun& run : runs) {
    if (options.prepare || experiment.is_measured(run)) continue;
    const ExitCode code = experiment.measure(run);
    if (first == ExitCode::done) first = code;
    if (stop_requested()) return ExitCode::stopped_early;
  }
  return first;
}

/// The pictures as files; as PNG too where there is a program for it.
void draw(const scheduler::ScalingSummary& summary, const fs::path& directory) {
  bool png = true;
  for (const scheduler::Picture& picture : scheduler::scaling_pictures(summary)) {
    const fs::path svg = directory / (picture.file + ".svg");
    write_file_atomically(svg, scheduler::file_of(picture, summary));
    if (!png) continue;
    fs::path target = svg;
    target.replace_extension(".png");
    try {
      png = run_process({"rsvg-convert", "--zoom", "2", "--output", target.string(), svg.string()},
                        directory / "rsvg-convert.log") == 0;
    } catch (const ResourceError&) {
      png = false;
    }
    if (png) {
      fs::remove(directory / "rsvg-convert.log");
      continue;
    }
    std::fputs(
        "factorps: no PNG: rsvg-convert (Debian: librsvg2-bin) cannot be run; the SVG are "
        "there\n",
        stderr);
  }
}

ExitCode sum_up(const BenchScalingOptions& options, const Config& config) {
  const fs::path& directory = config.run.dir;
  const auto records = scheduler::read_records(directory, config);
  const scheduler::ScalingSummary summary = scheduler::summarise(config, records);
  const std::string json = scheduler::to_json(summary).dump(2) + '\n';
  write_file_atomically(directory / "config.toml", to_toml(config));
  write_file_atomically(directory / "scaling.json", json);
  draw(summary, directory);
  if (options.output.json) {
    std::cout << json;
  } else {
    std::cout << scheduler::scaling_table(summary);
  }
  if (!summary.disagreements.empty()) {
    throw Error{fmt::format("models or datasets differ that must be equal, {} in all; {}",
                            summary.disagreements.size(), summary.disagreements.front())};
  }
  return ExitCode::done;
}

}  // namespace

ExitCode run_bench_scaling(const BenchScalingOptions& options, comm::Environment& environment) {
  if (environment.launched()) {
    throw ConfigError{
        "bench scaling was started by a launcher; expected without: it starts its runs itself"};
  }
  const Config config = load_config(options.config, options.assignments);
  if (options.list) {
    list(scheduler::scaling_runs(config));
    return ExitCode::done;
  }
  const ExitCode measured = options.collect ? ExitCode::done : measure_all(options, config);
  if (options.prepare || options.only >= 0 || measured == ExitCode::stopped_early) return measured;
  const ExitCode summed = sum_up(options, config);
  return measured == ExitCode::done ? summed : measured;
}

}  // namespace factorps::apps

#include "io/prepare/prepare.hpp"

#include <iostream>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "apps/commands.hpp"
#include "apps/inject_faults.hpp"
#include "apps/privacy.hpp"
#include "apps/watchdog.hpp"
#include "comm/borrowed_cores.hpp"
#include "comm/environment.hpp"
#include "common/timer.hpp"
#include "io/files.hpp"

namespace factorps::apps {
namespace {

/// While rank 0 works, the other ranks of its machine are idle: it uses their cores if it can have
/// them.
PrepareRanks ranks_of(const comm::Environment& environment, const comm::BorrowedCores& cores) {
  PrepareRanks ranks{
      static_cast<std::uint32_t>(environment.rank()),
      static_cast<std::uint32_t>(environment.size()),
      [&environment](std::vector<std::byte> mine) { return environment.gather(mine); },
      environment.rank() == 0 ? cores.threads() : 1,
      {}};
  if (cores.threads() == 1) return ranks;
  const auto& hosts = environment.hosts();
  for (const std::string& host : hosts) ranks.idle.push_back(host == hosts.front());
  return ranks;
}

void print(const Config& config, const PrepareResult& result, double seconds,
           const OutputOptions& output) {
  if (output.json) {
    std::cout << to_json(result.summary) << '\n';
    return;
  }
  if (output.quiet) return;
  std::cout << to_text(result.summary);
  std::string phases;
  for (const PreparePhase& phase : result.phases) {
    phases += fmt::format("{}{} {:.2f} ({:.2f})", phases.empty() ? "" : ", ", phase.name,
                          phase.wall_seconds, phase.cpu_seconds);
  }
  std::cout << fmt::format("  {:<22}{:.2f} s; of it (CPU seconds of rank 0): {}\n", "time", seconds,
                           phases)
            << fmt::format("  {:<22}{}, fingerprint {:.16}\n", "written",
                           config.data.dataset.string(), result.fingerprint);
}

/// A dataset replaces only a dataset: a mistyped path must not cost the raw data.
void refuse_to_replace_other_files(const std::filesystem::path& dataset) {
  if (!std::filesystem::exists(dataset)) return;
  try {
    const auto file = h5::File::open(dataset);
    if (file.text("/", "format") == "factorps-dataset") return;
  } catch (const DataError&) {
    // Not an HDF5 file, or a damaged one.
  }
  throw ConfigError{fmt::format(
      "{}: exists and is no dataset; expected another data.dataset, or remove the file first",
      dataset.string())};
}

}  // namespace

ExitCode run_prepare(const PrepareOptions& options, comm::Environment& environment) {
  const Stopwatch watch;
  const Config config = load_config(options.config, options.assignments);
  keep_private(config);
  if (!config.faults.inject.empty()) inject_faults(config.faults.inject, environment);
  const Watchdog watchdog{environment, config.cluster};
  refuse_to_replace_other_files(config.data.dataset);
  if (environment.rank() == 0) make_directories(config.data.dataset.parent_path());
  const comm::BorrowedCores cores{environment};
  const auto result = prepare(config, ranks_of(environment, cores));
  if (result) print(config, *result, watch.seconds(), options.output);
  return ExitCode::done;
}

}  // namespace factorps::apps

#include "apps/scaling_experiment.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/process.hpp"
#include "io/files.hpp"
#include "io/generate.hpp"
#include "scheduler/scaling/record.hpp"
#include "scheduler/scaling/statistics.hpp"

namespace factorps::apps {
namespace {

namespace fs = std::filesystem;
using scheduler::ScalingRun;

/// SLURM says how many; elsewhere it is this machine.
int allocated_nodes() {
  const char* text = std::getenv("SLURM_JOB_NUM_NODES");
  return std::max(1, text == nullptr ? 1 : std::atoi(text));
}

scheduler::RunFacts facts_now() {
  double load = 0;
  if (::getloadavg(&load, 1) != 1) load = 0;
  return {static_cast<int>(std::max(1U, std::thread::hardware_concurrency())), load};
}

/// The last line that says something: mostly the error.
std::string last_line(const fs::path& log) {
  std::istringstream lines{fs::exists(log) ? read_file(log) : std::string{}};
  std::string last;
  std::string error;
  for (std::string line; std::getline(lines, line);) {
    if (line.find("error:") != std::string::npos) error = line;
    if (!line.empty()) last = line;
  }
  return error.empty() ? last : error;
}

/// An exit code of ours is passed on; others are a launcher's, or of a signal.
ExitCode as_exit_code(int code) {
  const bool ours =
      code >= static_cast<int>(ExitCode::internal) && code <= static_cast<int>(ExitCode::resources);
  return ours ? static_cast<ExitCode>(code) : ExitCode::resources;
}

void generate_unless_there(const fs::path& prefix, const scheduler::ScalingData& data,
                           const ScalingConfig& scaling) {
  if (fs::exists(prefix.string() + ".train.csv")) return;
  GenerateSettings settings;
  settings.users = static_cast<std::uint64_t>(data.users);
  settings.items = static_cast<std::uint64_t>(scaling.items);
  settings.interactions = static_cast<std::uint64_t>(data.interactions);
  settings.seed = scaling.seed;
  settings.test_fraction = 0;  // [split] says what is test
  settings.prefix = prefix;
  static_cast<void>(generate(settings));
}

}  // namespace

ScalingExperiment::ScalingExperiment(const BenchScalingOptions& options, Config config)
    : options_{options},
      config_{std::move(config)},
      nodes_{allocated_nodes()},
      executable_{fs::read_symlink("/proc/self/exe")} {
  for (const ScalingRun& run : scheduler::scaling_runs(config_)) {  // refuse before anything runs
    static_cast<void>(scheduler::launch_command(config_.scaling.launcher, run.layout, nodes_));
  }
  // As scripts/mpirun: a rank that waits gives its core away. What is set stays.
  ::setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0);
  ::setenv("OMPI_MCA_btl_vader_single_copy_mechanism", "none", 0);
  make_directories(config_.run.dir / "runs");
}

void ScalingExperiment::say(const std::string& text) const {
  if (!options_.output.quiet) std::fputs(fmt::format("factorps: {}\n", text).c_str(), stderr);
}

fs::path ScalingExperiment::dataset_of(const ScalingRun& run) const {
  const std::string name = scheduler::data_of(run, config_).name;
  return name.empty() ? config_.data.dataset : config_.run.dir / "data" / (name + ".h5");
}

ScalingExperiment::Words ScalingExperiment::program(const char* command,
                                                    const Words& assignments) const {
  Words words{executable_.string(), command, options_.config.string()};
  for (const Words& list : {options_.assignments, assignments}) {
    for (const std::string& assignment : list) words.insert(words.end(), {"--set", assignment});
  }
  return words;
}

/// Generated ratings, and how they are to be read, whatever [data] says of others.
ScalingExperiment::Words ScalingExperiment::source_of(const scheduler::ScalingData& data) const {
  if (data.users == 0) return {};
  const fs::path prefix =
      config_.run.dir / "data" /
      fmt::format("{}users-{}items-{}ratings-seed{}", data.users, config_.scaling.items,
                  data.interactions, config_.scaling.seed);
  generate_unless_there(prefix, data, config_.scaling);
  return {"data.source=" + prefix.string() + ".train.csv",
          "data.test=[]",
          "data.format=csv",
          "data.delimiter=comma",
          "data.header=yes",
          R"(data.columns=["user", "item", "rating"])"};
}

void ScalingExperiment::prepare(const ScalingRun& run) const {
  const fs::path dataset = dataset_of(run);
  if (fs::exists(dataset)) return;
  say("prepare " + dataset.string());
  const scheduler::ScalingData data = scheduler::data_of(run, config_);
  make_directories(config_.run.dir / "data");
  Words assignments = source_of(data);
  assignments.insert(assignments.end(), data.grid.begin(), data.grid.end());
  assignments.push_back("data.dataset=" + dataset.string());
  const fs::path log = config_.run.dir / "data" / "prepare.log";
  const int code = run_process(program("prepare", assignments), log);
  if (code == 0) return;
  const std::string text =
      fmt::format("{}: not prepared, exit code {}: {}", dataset.string(), code, last_line(log));
  if (as_exit_code(code) == ExitCode::usage) throw ConfigError{text};
  if (as_exit_code(code) == ExitCode::data) throw DataError{text};
  throw ResourceError{text};
}

ScalingExperiment::Words ScalingExperiment::training_of(const ScalingRun& run,
                                                        const fs::path& directory) const {
  Words words = scheduler::launch_command(config_.scaling.launcher, run.layout, nodes_);
  Words assignments = scheduler::assignments_of(run, nodes_);
  assignments.push_back("data.dataset=" + dataset_of(run).string());
  assignments.push_back("run.dir=" + directory.string());
  const Words train = program("train", assignments);
  words.insert(words.end(), train.begin(), train.end());
  words.insert(words.end(), {"--overwrite", "--quiet"});
  return words;
}

bool ScalingExperiment::is_measured(const ScalingRun& run) const {
  return fs::exists(config_.run.dir / "runs" / (run.id() + ".json"));
}

ExitCode ScalingExperiment::measure(const ScalingRun& run) const {
  const fs::path work = config_.run.dir / "work" / run.id();
  const fs::path log = config_.run.dir / "runs" / (run.id() + ".log");
  const scheduler::RunFacts facts = facts_now();
  const int code = run_process(training_of(run, work), log);
  if (stop_requested()) return ExitCode::stopped_early;
  if (code != 0) {
    std::fputs(fmt::format("factorps: run {} failed with exit code {}: {}; its output: {}\n",
                           run.id(), code, last_line(log), log.string())
                   .c_str(),
               stderr);
    return as_exit_code(code);
  }
  const auto record = scheduler::record_of_training(work, run, facts, config_);
  write_file_atomically(config_.run.dir / "runs" / (run.id() + ".json"),
                        scheduler::to_json(record).dump(2) + '\n');
  fs::remove_all(work);  // the model is as large as it is known
  fs::remove(log);
  say(fmt::format("run {}: {:.4f} s per epoch", run.id(), scheduler::median(record.epoch_seconds)));
  return ExitCode::done;
}

}  // namespace factorps::apps

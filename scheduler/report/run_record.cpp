#include "scheduler/report/run_record.hpp"

#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/error.hpp"
#include "io/config.hpp"
#include "io/dataset.hpp"
#include "io/files.hpp"
#include "io/json_text.hpp"
#include "scheduler/loss_report.hpp"
#include "scheduler/records.hpp"

namespace factorps::scheduler {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

void require_run(const fs::path& directory) {
  constexpr const char* kExpected =
      "expected the directory of a run, with the config.toml and metrics.jsonl that factorps train "
      "writes";
  if (!fs::is_directory(directory)) {
    throw DataError{fmt::format("{}: no such directory, {}", directory.string(), kExpected)};
  }
  for (const char* name : {"config.toml", "metrics.jsonl"}) {
    if (fs::is_regular_file(directory / name)) continue;
    throw DataError{fmt::format("{}: holds no {}, {}", directory.string(), name, kExpected)};
  }
}

/// Parses an object and reads it. @param place of the text, for errors
template <class Read>
auto read_object(const std::string& text, const std::string& place, Read read) {
  const json object = parse_json(text);
  if (!object.is_object()) {
    throw DataError{fmt::format("{}: damaged, expected a whole JSON object", place)};
  }
  try {
    return read(object);
  } catch (const std::exception& error) {  // of JSON, or a number that is none
    throw DataError{fmt::format("{}: damaged: {}", place, error.what())};
  }
}

EpochRecord epoch_of(const json& line, const RunRecord& run) {
  EpochRecord epoch;
  epoch.epoch = natural_at(line, "epoch");
  epoch.train = line.at("train_" + run.train_metric).get<double>();
  epoch.rate_factor = line.at("learning_rate_factor").get<double>();
  const json& seconds = line.at("seconds");
  epoch.train_seconds = seconds.at("train").get<double>();
  epoch.evaluate_seconds = seconds.at("evaluate").get<double>();
  epoch.checkpoint_seconds = seconds.at("checkpoint").get<double>();
  epoch.train_block_bytes = line.at("block_bytes").at("train").get<double>();
  if (line.contains("rows")) {
    const json& rows = line["rows"];
    epoch.train_block_bytes +=
        rows.at("bytes_sent").get<double>() + rows.at("bytes_received").get<double>();
  }
  epoch.evaluate_block_bytes = line.at("block_bytes").at("evaluate").get<double>();
  epoch.memory_held = line.value("memory_held_bytes", 0.0);
  epoch.workers = workers_of(line.at("workers"));
  if (!line.contains("validation")) return epoch;
  epoch.validation = line["validation"].at(run.metric).get<double>();
  epoch.best = line.at("best").get<bool>();
  return epoch;
}

std::vector<EpochRecord> epochs_of(const fs::path& path, const RunRecord& run) {
  std::vector<EpochRecord> epochs;
  std::istringstream lines{read_file(path)};
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    epochs.push_back(read_object(line, fmt::format("{}:{}", path.string(), ++number),
                                 [&](const json& object) { return epoch_of(object, run); }));
  }
  if (epochs.empty()) {
    throw DataError{fmt::format(
        "{}: is empty, expected a line per epoch: has the first epoch ended?", path.string())};
  }
  return epochs;
}

/// Of the epochs at the end that had the same workers: those of the last job, and of jobs before it
/// that were laid out alike.
void sum_epochs(RunRecord& run) {
  const std::size_t workers = run.epochs.back().workers.size();
  std::uint64_t first = 0;
  for (auto epoch = run.epochs.rbegin(); epoch != run.epochs.rend(); ++epoch) {
    if (epoch->workers.size() != workers) break;
    add_pass(run.workers, epoch->workers);
    first = epoch->epoch;
  }
  run.summed = fmt::format("epochs {} to {}", first, run.epochs.back().epoch);
}

/// Unknown if the dataset is elsewhere now: a report must not need it.
GridLimit limit_of(const Config& config) {
  try {
    return grid_limit(Dataset{config.data.dataset}, config.train.seed);
  } catch (const Error&) {
    return {};
  }
}

void read_summary(const fs::path& path, RunRecord& run) {
  if (!fs::exists(path)) return;
  run.summary = read_file(path);
  read_object(run.summary, path.string(), [&run](const json& summary) {
    const json& time = summary.at("time");
    run.workers = workers_of(time.at("workers"));
    run.largest_loss = time.at("largest_loss").get<std::string>();
    run.summed = "the job that finished";
  });
}

}  // namespace

RunRecord read_run(const fs::path& directory) {
  require_run(directory);
  RunRecord run;
  run.path = directory;
  run.config = read_file(directory / "config.toml");
  const Config config = load_config(directory / "config.toml");
  run.dataset = config.data.dataset;
  run.metric = config.evaluate.metric;
  run.ranks = learns_to_rank(config);
  run.train_metric = run.ranks ? "loss" : "rmse";
  run.epochs = epochs_of(directory / "metrics.jsonl", run);
  read_summary(directory / "summary.json", run);
  if (run.workers.empty()) {  // not finished, or by a job that had nothing left to train
    sum_epochs(run);
    run.largest_loss = largest_loss(run.workers, limit_of(config));
  }
  return run;
}

}  // namespace factorps::scheduler

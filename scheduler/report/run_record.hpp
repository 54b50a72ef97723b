/// What a run directory says about its run: config.toml, metrics.jsonl and, of a finished run,
/// summary.json (docs/formats.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "comm/messages.hpp"

namespace factorps::scheduler {

/// A line of metrics.jsonl.
struct EpochRecord {
  std::uint64_t epoch = 0;
  double train = 0;  ///< RunRecord::train_metric
  double rate_factor = 1;
  std::optional<double> validation;  ///< RunRecord::metric
  bool best = false;                 ///< so far
  double train_seconds = 0;
  double evaluate_seconds = 0;
  double checkpoint_seconds = 0;
  double train_block_bytes = 0;  ///< between nodes; also of rows
  double evaluate_block_bytes = 0;
  double memory_held = 0;  ///< bytes of all processes that no file backs; 0: not known
  std::vector<comm::WorkerDone> workers;  // [worker]
};

struct RunRecord {
  std::filesystem::path path;
  std::string config;                     ///< text of config.toml
  std::filesystem::path dataset;          ///< data.dataset
  std::string metric;                     ///< evaluate.metric
  std::string train_metric;               ///< rmse, of normalised values, or loss
  bool ranks = false;                     ///< evaluated by ranking, not by errors
  std::vector<EpochRecord> epochs;        ///< at least one
  std::string summary;                    ///< JSON object of summary.json; empty: not finished
  std::vector<comm::WorkerDone> workers;  ///< summed over training passes. [worker]
  std::string summed;                     ///< which passes, in words
  std::string largest_loss;
};

/// @throws DataError naming file, line and expectation if something is missing or damaged
[[nodiscard]] RunRecord read_run(const std::filesystem::path& directory);

}  // namespace factorps::scheduler

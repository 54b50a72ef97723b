/// One run of a scaling experiment as its JSON file says it: runs/ID.json (docs/formats.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "scheduler/scaling/runs.hpp"

namespace factorps::scheduler {

/// What the experiment knows of a run and the training does not.
struct RunFacts {
  int cores = 1;            ///< that processes of this machine may use
  double load_average = 0;  ///< of one minute, before the run
};

/// Seconds of all training passes: summed over workers, then the wall time of what is not training.
struct TimeSplit {
  double compute = 0;
  double wait_turn = 0;
  double wait_block = 0;
  double evaluate = 0;    ///< wall
  double checkpoint = 0;  ///< wall

  [[nodiscard]] double worker_seconds() const noexcept { return compute + wait_turn + wait_block; }
};

struct ScalingRecord {
  ScalingRun run;
  RunFacts facts;
  std::uint32_t strips = 0;
  std::uint32_t blocks = 0;
  int workers = 1;
  int nodes = 1;
  std::vector<std::string> hosts;
  std::uint64_t interactions = 0;     ///< of an epoch
  std::vector<double> epoch_seconds;  ///< wall time of each training pass
  TimeSplit time;
  double cpu_seconds = 0;  ///< of workers in all training passes
  double block_bytes = 0;  ///< between all nodes in one training pass
  std::string model_sha256;
  std::string fingerprint;
  std::string wire;
  std::string instruction_set;
  std::string started;
  std::string identity;

  [[nodiscard]] bool oversubscribed() const noexcept;
  /// Whether several of its nodes were one machine: their blocks crossed no network.
  [[nodiscard]] bool pretended() const noexcept;
};

/// Reads the directory of a finished training. @throws DataError
[[nodiscard]] ScalingRecord record_of_training(const std::filesystem::path& directory,
                                               const ScalingRun& run, const RunFacts& facts,
                                               const Config& config);

[[nodiscard]] nlohmann::json to_json(const TimeSplit& time);
[[nodiscard]] nlohmann::json to_json(const ScalingRecord& record);
/// @throws DataError naming the file if something is missing or damaged
[[nodiscard]] ScalingRecord read_record(const std::filesystem::path& file);

}  // namespace factorps::scheduler

/// RUN/: config.toml, plan.json, metrics.jsonl, summary.json, uptime.json, log.txt, checkpoints/,
/// model.h5.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "io/checkpoint.hpp"
#include "scheduler/uptime.hpp"

namespace factorps::scheduler {

/// Files that a training keeps beside checkpoints and model.
inline constexpr std::array<const char*, 6> kRunFiles{
    "config.toml", "plan.json", "metrics.jsonl", "summary.json", "uptime.json", "log.txt"};

/// The files of one run. Used by the scheduler alone.
class RunDirectory {
 public:
  /// Creates the directory if it is missing. @throws ResourceError
  explicit RunDirectory(std::filesystem::path path);
  ~RunDirectory();

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] const CheckpointStore& checkpoints() const noexcept { return checkpoints_; }
  [[nodiscard]] Uptime& uptime() noexcept { return uptime_; }
  /// Whether a training stopped here before its end.
  [[nodiscard]] bool holds_unfinished_run() const;

  /// Whether a checkpoint is one of this run's.
  [[nodiscard]] bool holds(const std::filesystem::path& checkpoint) const;

  void write_config(const std::string& toml) const;
  void write_plan(const std::string& json) const;
  void write_summary(const std::string& json) const;
  /// Removes what an earlier run left: checkpoints, metrics, summary; not the model, which stays
  /// until a new one replaces it, nor what is known of failures.
  void clear() const;
  /// Goes back to the state after this epoch: drops the metrics of later epochs and of lines that
  /// were cut off, and the summary of a run that had finished.
  void reopen_after(std::uint64_t epoch) const;
  /// Appends one line of JSON and forces it to disk.
  void append_metrics(const std::string& json) const;
  /// Appends a line with the time to log.txt.
  void log(const std::string& line);

 private:
  struct Log;
  std::filesystem::path path_;
  CheckpointStore checkpoints_;
  Uptime uptime_;
  std::unique_ptr<Log> log_;
};

}  // namespace factorps::scheduler

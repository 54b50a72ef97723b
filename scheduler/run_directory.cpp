#include "scheduler/run_directory.hpp"

#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>

#include "common/error.hpp"
#include "io/files.hpp"
#include "io/json_text.hpp"

namespace factorps::scheduler {
namespace {

namespace fs = std::filesystem;

fs::path created(fs::path path) {
  if (fs::is_directory(path)) return path;
  make_directories(path);
  sync_file(fs::absolute(path).parent_path());
  return path;
}

void remove_if_there(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) {
    throw ResourceError{fmt::format("{}: cannot remove: {}", path.string(), error.message())};
  }
}

/// Whether a line of metrics.jsonl is whole and of this epoch or an earlier one.
bool is_until(const std::string& line, std::uint64_t epoch) {
  const auto entry = parse_json(line);
  if (!entry.is_object() || !entry.contains("epoch")) return false;
  return entry["epoch"].is_number_unsigned() && entry["epoch"] <= epoch;
}

}  // namespace

struct RunDirectory::Log {
  spdlog::logger logger;
};

RunDirectory::RunDirectory(fs::path path)
    : path_{created(std::move(path))},
      checkpoints_{path_ / "checkpoints"},
      uptime_{path_ / "uptime.json"} {
  try {
    auto sink = std::make_shared<spdlog::sinks::basic_file_sink_st>((path_ / "log.txt").string());
    log_ = std::make_unique<Log>(Log{spdlog::logger{"run", std::move(sink)}});
    log_->logger.set_pattern("%Y-%m-%dT%H:%M:%S%z %v");
    log_->logger.flush_on(spdlog::level::info);
  } catch (const spdlog::spdlog_ex& error) {
    throw ResourceError{error.what()};
  }
}

RunDirectory::~RunDirectory() = default;

bool RunDirectory::holds_unfinished_run() const {
  return !fs::exists(path_ / "summary.json") && !checkpoints_.list().empty();
}

bool RunDirectory::holds(const fs::path& checkpoint) const {
  std::error_code ignored;
  return fs::equivalent(fs::absolute(checkpoint) / "..", path_ / "checkpoints", ignored);
}

void RunDirectory::write_config(const std::string& toml) const {
  write_file_atomically(path_ / "config.toml", toml);
}

void RunDirectory::write_plan(const std::string& json) const {
  write_file_atomically(path_ / "plan.json", json);
}

void RunDirectory::write_summary(const std::string& json) const {
  write_file_atomically(path_ / "summary.json", json);
}

void RunDirectory::clear() const {
  checkpoints_.clear();
  for (const char* name : {"metrics.jsonl", "summary.json"}) remove_if_there(path_ / name);
}

void RunDirectory::reopen_after(std::uint64_t epoch) const {
  remove_if_there(path_ / "summary.json");
  const fs::path path = path_ / "metrics.jsonl";
  if (!fs::exists(path)) return;
  std::istringstream lines{read_file(path)};
  std::string kept;
  for (std::string line; std::getline(lines, line);) {
    if (is_until(line, epoch)) kept += line + '\n';
  }
  write_file_atomically(path, kept);
}

void RunDirectory::append_metrics(const std::string& json) const {
  append_to_file(path_ / "metrics.jsonl", json + '\n');
}

void RunDirectory::log(const std::string& line) { log_->logger.info(line); }

}  // namespace factorps::scheduler

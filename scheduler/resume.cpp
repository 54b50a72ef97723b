#include "scheduler/resume.hpp"

#include <filesystem>
#include <fstream>
#include <map>
#include <span>
#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "common/error.hpp"
#include "common/hash.hpp"
#include "io/json_text.hpp"

namespace factorps::scheduler {
namespace {

using nlohmann::json;

/// Lines "key = value" by key.
std::map<std::string, std::string> lines_of(const std::string& identity) {
  std::map<std::string, std::string> lines;
  std::istringstream text{identity};
  for (std::string line; std::getline(text, line);) {
    lines.emplace(line.substr(0, line.find(" = ")), line);
  }
  return lines;
}

/// The first line in which two identities differ; empty: none. A key that one of them lacks,
/// because another version wrote it, has the default there.
std::string first_difference(const std::string& theirs, const std::string& ours) {
  const auto defaults = lines_of(training_identity(Config{}));
  const auto left = lines_of(theirs);
  const auto right = lines_of(ours);
  const auto line_in = [&](const auto& lines, const std::string& key) {
    if (const auto found = lines.find(key); found != lines.end()) return found->second;
    const auto found = defaults.find(key);
    return found != defaults.end() ? found->second : std::string{"(nothing)"};
  };
  std::map<std::string, std::string> keys = left;
  keys.insert(right.begin(), right.end());
  for (const auto& [key, line] : keys) {
    const std::string a = line_in(left, key);
    const std::string b = line_in(right, key);
    if (a != b) return fmt::format("checkpoint: {}; now: {}", a, b);
  }
  return {};
}

void require_match(const std::filesystem::path& path, const CheckpointManifest& manifest,
                   const Config& config, const Dataset& dataset) {
  if (manifest.dataset != dataset.fingerprint()) {
    throw CheckpointError{fmt::format("{}: was trained on other data (fingerprint {}, {} has {})",
                                      path.string(), manifest.dataset, dataset.path().string(),
                                      dataset.fingerprint())};
  }
  const std::string difference = identity_difference(manifest, run_identity(config, dataset));
  if (!difference.empty()) {
    throw CheckpointError{
        fmt::format("{}: was trained with another configuration ({})", path.string(), difference)};
  }
}

bool fits(const ResumePoint& point, const Config& config, const Dataset& dataset) {
  return point.manifest.dataset == dataset.fingerprint() &&
         identity_difference(point.manifest, run_identity(config, dataset)).empty();
}

void add(const std::optional<Attribute>& attribute, Sha256& sha) {
  if (!attribute) return;  // the model will say so
  sha.update(fmt::format("{} {}\n", attribute->name, kind_name(attribute->kind)));
  for (const std::string& value : attribute->values)
    sha.update(fmt::format("{} {}", value.size(), value));
  sha.update(std::as_bytes(std::span{attribute->offsets}));
  sha.update(std::as_bytes(std::span{attribute->codes}));
  sha.update(std::as_bytes(std::span{attribute->numbers}));
}

/// Of the bytes of a file; no line if there is none.
std::string digest_of(const char* key, const std::filesystem::path& path) {
  if (path.empty()) return {};
  std::ostringstream bytes;
  std::ifstream in{path, std::ios::binary};
  if (std::filesystem::is_directory(path) || !in) {
    throw ConfigError{
        fmt::format("{}: \"{}\", expected a file that can be read", key, path.string())};
  }
  if (in.peek() != std::ifstream::traits_type::eof()) bytes << in.rdbuf();
  Sha256 sha;
  sha.update(bytes.view());
  return fmt::format("{} = {}\n", key, sha.finish());
}

}  // namespace

std::string run_identity(const Config& config, const Dataset& dataset) {
  const ModelConfig& model = config.model;
  std::string identity = training_identity(config) +
                         digest_of("rows.frozen_users", config.rows.frozen_users) +
                         digest_of("rows.frozen_items", config.rows.frozen_items);
  if (dataset.has_times() && (model.history || !model.context.empty())) {
    std::vector<std::uint64_t> sums;
    for (const Part part : kParts) sums.push_back(dataset.verify_times(part));
    identity += fmt::format("times = {}\n", fmt::join(sums, " "));
  }
  if (model.user_attributes.empty() && model.item_attributes.empty()) return identity;
  Sha256 sha;
  for (const std::string& name : model.user_attributes) add(dataset.user_attribute(name), sha);
  for (const std::string& name : model.item_attributes) add(dataset.item_attribute(name), sha);
  return identity + fmt::format("attributes = {}\n", sha.finish());
}

std::string identity_difference(const CheckpointManifest& manifest, const std::string& identity) {
  return first_difference(manifest.identity, identity);
}

ResumePoint check_resume_point(const std::filesystem::path& checkpoint, const Config& config,
                               const Dataset& dataset) {
  require_match(checkpoint, read_manifest(checkpoint), config, dataset);
  return {checkpoint, look_at_checkpoint(checkpoint)};
}

std::optional<ResumePoint> find_resume_point(const RunDirectory& run, const Config& config,
                                             const Dataset& dataset,
                                             const std::function<void(const std::string&)>& note) {
  std::optional<ResumePoint> newest;
  for (const auto& path : run.checkpoints().list()) {
    try {
      ResumePoint point{path, look_at_checkpoint(path)};
      if (!newest) {
        newest = std::move(point);
      } else if (fits(point, config, dataset)) {
        newest->older.push_back(std::move(point));
      }
    } catch (const CheckpointError& error) {
      note(fmt::format("warning: passing over a damaged checkpoint: {}", error.what()));
    }
  }
  if (newest) require_match(newest->checkpoint, newest->manifest, config, dataset);
  return newest;
}

std::string state_text(const LearningRate& rate, const EarlyStopping& stopping) {
  const auto& schedule = rate.state();
  const auto& watch = stopping.state();
  return json{
      {"rate_epochs", schedule.epochs},       {"rate_factor", schedule.factor},
      {"rate_last_loss", schedule.last_loss}, {"best", watch.best ? json(*watch.best) : json()},
      {"best_epoch", watch.best_epoch},       {"without_improvement", watch.without_improvement}}
      .dump();
}

void restore_state(const std::string& text, LearningRate& rate, EarlyStopping& stopping) {
  try {
    const json state = parse_json(text);
    if (!state.is_object()) throw CheckpointError{"state of the scheduler: no JSON object"};
    rate.restore(
        {natural_at(state, "rate_epochs"), state.at("rate_factor"), state.at("rate_last_loss")});
    const json& best = state.at("best");
    stopping.restore({best.is_null() ? std::nullopt : std::optional<double>{best.get<double>()},
                      natural_at(state, "best_epoch"), natural_at(state, "without_improvement")});
  } catch (const std::exception& error) {  // of JSON, or a number that is none
    throw CheckpointError{fmt::format("state of the scheduler: {}", error.what())};
  }
}

void adopt_best(const RunDirectory& run, const std::filesystem::path& checkpoint,
                const EarlyStopping::State& state) {
  if (!state.best || std::filesystem::exists(run.checkpoints().path_of(state.best_epoch))) return;
  const auto theirs = CheckpointStore{checkpoint.parent_path()}.path_of(state.best_epoch);
  if (std::filesystem::exists(theirs)) run.checkpoints().adopt(theirs);
}

}  // namespace factorps::scheduler

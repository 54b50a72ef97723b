#include "scheduler/resume.hpp"

#include <algorithm>
#include <span>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/error.hpp"
#include "common/hash.hpp"

namespace factorps::scheduler {
namespace {

using nlohmann::json;

/// The first line in which two texts differ, for a message.
std::string first_difference(const std::string& theirs, const std::string& ours) {
  std::size_t a = 0;
  std::size_t b = 0;
  while (a < theirs.size() || b < ours.size()) {
    const std::size_t a_end = std::min(theirs.find('\n', a), theirs.size());
    const std::size_t b_end = std::min(ours.find('\n', b), ours.size());
    const std::string left = a < theirs.size() ? theirs.substr(a, a_end - a) : "(nothing)";
    const std::string right = b < ours.size() ? ours.substr(b, b_end - b) : "(nothing)";
    if (left != right) return fmt::format("checkpoint: {}; now: {}", left, right);
    a = a_end + 1;
    b = b_end + 1;
  }
  return "no difference";
}

void require_match(const std::filesystem::path& path, const CheckpointManifest& manifest,
                   const Config& config, const Dataset& dataset) {
  if (manifest.dataset != dataset.fingerprint()) {
    throw CheckpointError{fmt::format("{}: was trained on other data (fingerprint {}, {} has {})",
                                      path.string(), manifest.dataset, dataset.path().string(),
                                      dataset.fingerprint())};
  }
  const std::string identity = run_identity(config, dataset);
  if (manifest.identity != identity) {
    throw CheckpointError{fmt::format("{}: was trained with another configuration ({})",
                                      path.string(),
                                      first_difference(manifest.identity, identity))};
  }
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

}  // namespace

std::string run_identity(const Config& config, const Dataset& dataset) {
  const ModelConfig& model = config.model;
  std::string identity = training_identity(config);
  if (model.user_attributes.empty() && model.item_attributes.empty()) return identity;
  Sha256 sha;
  for (const std::string& name : model.user_attributes) add(dataset.user_attribute(name), sha);
  for (const std::string& name : model.item_attributes) add(dataset.item_attribute(name), sha);
  return identity + fmt::format("attributes = {}\n", sha.finish());
}

ResumePoint check_resume_point(const std::filesystem::path& checkpoint, const Config& config,
                               const Dataset& dataset) {
  require_match(checkpoint, read_manifest(checkpoint), config, dataset);
  return {checkpoint, verify_checkpoint(checkpoint)};
}

std::optional<ResumePoint> find_resume_point(const RunDirectory& run, const Config& config,
                                             const Dataset& dataset,
                                             const std::function<void(const std::string&)>& note) {
  for (const auto& path : run.checkpoints().list()) {
    CheckpointManifest manifest;
    try {
      manifest = verify_checkpoint(path);
    } catch (const CheckpointError& error) {
      note(fmt::format("warning: passing over a damaged checkpoint: {}", error.what()));
      continue;
    }
    require_match(path, manifest, config, dataset);
    return ResumePoint{path, manifest};
  }
  return std::nullopt;
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
    const json state = json::parse(text);
    rate.restore({state.at("rate_epochs"), state.at("rate_factor"), state.at("rate_last_loss")});
    const json& best = state.at("best");
    stopping.restore({best.is_null() ? std::nullopt : std::optional<double>{best.get<double>()},
                      state.at("best_epoch"), state.at("without_improvement")});
  } catch (const json::exception& error) {
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

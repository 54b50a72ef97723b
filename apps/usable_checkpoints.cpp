#include "apps/usable_checkpoints.hpp"

#include <optional>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "io/checkpoint.hpp"
#include "io/config.hpp"
#include "io/dataset.hpp"
#include "scheduler/resume.hpp"

namespace factorps::apps {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

/// What a run is now, as far as it decides which checkpoints fit.
class RunNow {
 public:
  explicit RunNow(const fs::path& run)
      : config_{load_config(run / "config.toml")}, identity_{training_identity(config_)} {
    const fs::path& dataset = config_.data.dataset;
    if (!fs::exists(dataset)) return;
    const Dataset data{dataset};
    fingerprint_ = data.fingerprint();
    identity_ = scheduler::run_identity(config_, data);
  }

  void compare(const CheckpointManifest& manifest, std::vector<std::string>& problems) const {
    if (const auto other = scheduler::identity_difference(manifest, identity_); !other.empty()) {
      problems.push_back(fmt::format("was trained with another configuration ({})", other));
    }
    if (fingerprint_ && manifest.dataset != *fingerprint_) {
      problems.push_back("was trained on other data than " + config_.data.dataset.string());
    }
  }

 private:
  Config config_;
  std::string identity_;
  std::optional<std::string> fingerprint_;  // none: the dataset is not there
};

Json usability(const fs::path& path, const RunNow* run, ExitCode& worst) {
  std::vector<std::string> problems;
  CheckpointManifest manifest;
  try {
    manifest = read_manifest(path);
    problems = damage_of(path, manifest);
    if (run != nullptr) run->compare(manifest, problems);
  } catch (const CheckpointError& error) {
    problems.emplace_back(error.what());
  }
  if (problems.empty()) return {{"usable", true}, {"epochs_done", manifest.epoch}};
  worst = ExitCode::checkpoint;
  return {{"usable", false}, {"problems", problems}};
}

}  // namespace

Json usable_checkpoints(const fs::path& path, ExitCode& worst) {
  if (fs::exists(path / "manifest.json")) {
    Json json{{"kind", "checkpoint"}};
    json.update(usability(path, nullptr, worst));
    return json;
  }
  const RunNow run{path};
  Json json{{"kind", "run"}, {"resumes_from", nullptr}, {"checkpoints", Json::object()}};
  for (const auto& checkpoint : CheckpointStore{path / "checkpoints"}.list()) {
    const std::string name = checkpoint.filename().string();
    Json entry = usability(checkpoint, &run, worst);
    if (json["resumes_from"].is_null() && entry["usable"].get<bool>()) json["resumes_from"] = name;
    json["checkpoints"][name] = std::move(entry);
  }
  return json;
}

}  // namespace factorps::apps

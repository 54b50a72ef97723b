/// Where a training goes on, and what the scheduler keeps in a checkpoint for that.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "io/config.hpp"
#include "io/dataset.hpp"
#include "model/learning_rate.hpp"
#include "scheduler/early_stopping.hpp"
#include "scheduler/run_directory.hpp"

namespace factorps::scheduler {

/// Where to start.
struct ResumePoint {
  std::filesystem::path checkpoint;
  CheckpointManifest manifest;
  /// What to start from instead, if this one turns out to be damaged when it is loaded.
  std::vector<ResumePoint> older = {};
  bool or_anew = false;  ///< start from the beginning if none of them is whole
};

/// training_identity(), and what a training depends on besides that the fingerprint of a dataset
/// does not cover: attributes and times that are features of `fm`.
/// @throws DataError if one is damaged
[[nodiscard]] std::string run_identity(const Config& config, const Dataset& dataset);

/// The first key in which a training differs from the one of a checkpoint, as far as the bits
/// depend on it; empty: none. Keys that other versions do not know have their defaults there.
/// @param identity run_identity() of the training
[[nodiscard]] std::string identity_difference(const CheckpointManifest& manifest,
                                              const std::string& identity);

/// The newest checkpoint of the run that looks whole (look_at_checkpoint()) and fits data and
/// configuration, and the older ones that do; damaged ones are reported through `note` and passed
/// over. Rows are verified by the servers that load them, so that nobody reads them twice.
/// @throws CheckpointError if the newest of them belongs to other data or another configuration
[[nodiscard]] std::optional<ResumePoint> find_resume_point(
    const RunDirectory& run, const Config& config, const Dataset& dataset,
    const std::function<void(const std::string&)>& note);
/// One given checkpoint. @throws CheckpointError as above or if it is damaged
[[nodiscard]] ResumePoint check_resume_point(const std::filesystem::path& checkpoint,
                                             const Config& config, const Dataset& dataset);

/// JSON text for CheckpointManifest::state.
[[nodiscard]] std::string state_text(const LearningRate& rate, const EarlyStopping& stopping);
/// Back from state_text(). @throws CheckpointError
void restore_state(const std::string& text, LearningRate& rate, EarlyStopping& stopping);

/// A training that goes on from another run's checkpoint may need that run's best one at the end:
/// it comes along, unless it is here or no longer there.
void adopt_best(const RunDirectory& run, const std::filesystem::path& checkpoint,
                const EarlyStopping::State& state);

}  // namespace factorps::scheduler

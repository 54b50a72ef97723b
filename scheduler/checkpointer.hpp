/// When and how the scheduler saves a training.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "common/timer.hpp"
#include "io/config.hpp"
#include "scheduler/cluster.hpp"
#include "scheduler/run_directory.hpp"

namespace factorps::scheduler {

/// How far a training is.
struct Position {
  std::uint64_t epoch = 0;  ///< epochs done
  std::uint32_t step = 0;   ///< of the next one (CheckpointManifest::step)
  bool operator==(const Position&) const = default;
};

/// A checkpoint that is on disk under its name.
struct SavedCheckpoint {
  Position at;
  double seconds = 0;  ///< from the cut until it had its name
  std::uint64_t bytes = 0;
};

/// The time between checkpoints that loses least (Daly, "A higher order estimate of the optimum
/// checkpoint interval for restart dumps", 2006): sqrt(2 C M) and two terms more, less C.
/// @param cost C, seconds of one checkpoint @param mtbf M, mean seconds between failures
[[nodiscard]] double best_interval(double cost, double mtbf);

/// Saves while training goes on, or while it waits (checkpoint.background); one checkpoint at a
/// time. Older ones are removed when the new one has its name: its files have been read back then.
class Checkpointer {
 public:
  using Note = std::function<void(const std::string&)>;

  /// @param like what stands in every manifest: dataset, identity, instruction set
  /// @param note told about the interval that was chosen
  /// References must outlive the object.
  Checkpointer(const Config& config, CheckpointManifest like, RunDirectory& run, Note note);

  /// The cluster may change between two checkpoints.
  void use(Cluster* cluster) noexcept { cluster_ = cluster; }
  /// The training stands at a checkpoint that is there.
  void resumed_at(Position at) noexcept { last_ = at; }

  /// Whether one is due at the end of an epoch.
  [[nodiscard]] bool due(std::uint64_t epoch, bool best) const;
  /// Whether one is due by the time, also within an epoch.
  [[nodiscard]] bool due_by_time() const;
  /// Saves the training as it is now, between two passes, unless that was done before. What led to
  /// it must be in metrics.jsonl before the next wait for the cluster.
  /// @param state of the scheduler @param best_epoch whose checkpoint is to be kept
  void save(Position at, std::string state, std::optional<std::uint64_t> best_epoch);
  /// Waits until what was begun is on disk.
  void finish();

  /// The cut that workers of the next pass must copy; 0: none.
  [[nodiscard]] std::uint64_t open_cut() const;
  /// Seconds for which training stood still for checkpoints since the last call.
  [[nodiscard]] double take_stall() noexcept { return std::exchange(stall_, 0); }
  /// The newest checkpoint that got its name since the last call.
  [[nodiscard]] std::optional<SavedCheckpoint> take_saved() {
    return std::exchange(saved_, std::nullopt);
  }
  /// Seconds between checkpoints by time; 0: not by time.
  [[nodiscard]] double interval() const;

 private:
  struct Pending {
    Position at;
    std::filesystem::path temporary;
    CheckpointManifest manifest;
    KeepPolicy policy;
    Stopwatch since_cut;
  };

  void commit(Pending pending, const std::vector<comm::CommandDone>& replies);
  void note_cost(double seconds);
  [[nodiscard]] double between_failures() const;  // seconds

  const Config& config_;
  CheckpointManifest like_;
  RunDirectory& run_;
  Note note_;
  Cluster* cluster_ = nullptr;
  bool copied_by_servers_;
  std::uint64_t cut_ = 0;
  std::optional<Position> last_;  // saved, or being saved
  std::optional<double> cost_;    // seconds of the last one
  std::optional<SavedCheckpoint> saved_;
  double stall_ = 0;
  Stopwatch since_last_;
};

}  // namespace factorps::scheduler

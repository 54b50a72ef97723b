/// The faults of this process: code that a fault may meet asks here whether it is time.
///
/// One object for the whole process, because what it stands for is one: the process that dies, the
/// disk under it. Without faults a place that asks is one load and one branch.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/fault.hpp"

namespace factorps {

/// Thread-safe.
class Faults {
 public:
  /// @param rank of this process; faults of others are left out
  Faults(const std::vector<Fault>& faults, int rank);
  Faults(const Faults&) = delete;
  Faults& operator=(const Faults&) = delete;
  ~Faults();

  // Places where a process dies or stands still.
  /// A role begins a training pass.
  void begin_epoch(std::uint64_t epoch);
  /// A worker begins a piece of work.
  void begin_cell(std::uint64_t epoch);
  void at(CheckpointPhase phase);

  // The disk.
  struct Write {
    std::size_t bytes = 0;  ///< that go through
    int error = 0;          ///< errno then; 0: none
  };
  [[nodiscard]] Write write(const std::filesystem::path& path, std::size_t bytes);
  /// @return errno; 0: none
  [[nodiscard]] int sync(const std::filesystem::path& path) {
    return fails(FileOperation::sync, path);
  }
  [[nodiscard]] int rename(const std::filesystem::path& to) {
    return fails(FileOperation::rename, to);
  }
  /// Damages a file, or the files of a directory, that have just got their name.
  void damage(const std::filesystem::path& committed);
  [[nodiscard]] bool has_files() const noexcept { return files_; }

  /// Those of messages.
  [[nodiscard]] std::vector<Fault> messages() const;

 private:
  struct Armed;
  class Alarm;

  void end(Armed& armed, const std::string& where);
  [[nodiscard]] int fails(FileOperation operation, const std::filesystem::path& path);
  void damage_file(const std::filesystem::path& file);
  void say(const std::string& what) const;

  int rank_;
  std::vector<std::unique_ptr<Armed>> armed_;
  std::vector<std::unique_ptr<Alarm>> alarms_;
  bool files_ = false;
};

namespace detail {
extern std::atomic<Faults*> faults_of_process;
}

/// None: nothing goes wrong on purpose.
[[nodiscard]] inline Faults* faults() noexcept {
  return detail::faults_of_process.load(std::memory_order_acquire);
}
/// A role of this process begins to train an epoch.
inline void pass_epoch(std::uint64_t epoch) {
  if (Faults* const here = faults()) here->begin_epoch(epoch);
}
/// A worker begins a piece of work.
inline void pass_cell(std::uint64_t epoch) {
  if (Faults* const here = faults()) here->begin_cell(epoch);
}
/// A checkpoint has come so far.
inline void pass_checkpoint_phase(CheckpointPhase phase) {
  if (Faults* const here = faults()) here->at(phase);
}
/// Replaces those of the process, while nothing runs that may ask for them. @param faults may be
/// null
void install_faults(std::unique_ptr<Faults> faults);

}  // namespace factorps

/// What a watchdog concludes from the activities of the ranks of its machine.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/activity.hpp"

namespace factorps {

/// Of a process, for people and for conclusions.
enum class ProcessState { runs, stopped, waits_for_disk, gone };

struct WatchOptions {
  int self = 0;            ///< rank that looks
  double interval = 0.25;  ///< between two looks, seconds
  double period = 10;      ///< without a tick: a rank stands still, seconds
  double patience = 300;   ///< without progress of anybody, seconds
};

struct Verdict {
  enum class Kind {
    gone,     ///< a process has ended without a word
    frozen,   ///< a process does not run
    stalled,  ///< all run, none gets on
    silent    ///< another machine says nothing
  };
  Kind kind = Kind::stalled;
  std::string everybody;  ///< where each rank is: a line each; of another machine with a heading
  std::string cause;      ///< one line
};

/// Counts looks, not time: if the whole machine stood still, the one who looks did too.
class Watch {
 public:
  using StateOf = std::function<ProcessState(std::int64_t process)>;

  Watch(const WatchOptions& options, StateOf state_of)
      : options_{options}, state_of_{std::move(state_of)} {}

  /// To be called in equal intervals. @param seen several of a rank: its threads
  /// @return what ends the job, if anything does
  [[nodiscard]] std::optional<Verdict> look(std::span<const ActivitySeen> seen);

 private:
  struct Known {
    std::uint64_t ticks = 0;
    std::uint64_t looks_without = 0;
  };

  [[nodiscard]] bool has_stalled(std::span<const ActivitySeen> seen) const;
  [[nodiscard]] std::optional<Verdict> look_at_process(const ActivitySeen& rank);
  [[nodiscard]] double seconds(std::uint64_t looks) const {
    return static_cast<double>(looks) * options_.interval;
  }

  WatchOptions options_;
  StateOf state_of_;
  std::map<std::int64_t, Known> known_;  // [process, or thread]
  std::uint64_t progress_ = 0;
  std::uint64_t looks_without_progress_ = 0;
};

/// Shows in one activity, which other processes can see, what one of several threads does: the one
/// that works, if any does.
class Mirror {
 public:
  /// @param shown must outlive the object
  explicit Mirror(Activity& shown) : shown_{shown} {}

  /// @param threads none: nobody is shown
  void show(std::span<const ActivitySeen> threads);

 private:
  Activity& shown_;
  std::int64_t thread_ = 0;     // that is shown; 0: none
  std::uint64_t progress_ = 0;  // of it
};

/// A line each.
[[nodiscard]] std::string lines_of(std::span<const ActivitySeen> seen);

/// "rank 3 (worker 1): trains epoch 2; waits for ...; holds strip 3 and block 5 ...".
[[nodiscard]] std::string text_of(const ActivitySeen& seen);

/// As Linux tells in /proc.
[[nodiscard]] ProcessState state_of_process(std::int64_t process);

}  // namespace factorps

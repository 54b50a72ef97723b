/// What a person sees while a training runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>

#include "common/timer.hpp"

namespace factorps::scheduler {

/// One finished epoch, ready to be shown.
struct EpochLine {
  std::uint64_t epoch = 0;
  double train_value = 0;
  bool evaluated = false;
  std::string metric;  ///< name of the validation metric
  double value = 0;
  bool best = false;
  double million_updates_per_second = 0;
  std::string train_metric = "rmse";  ///< name of train_value
};

/// Shows progress on a terminal as a bar that is redrawn, elsewhere as a line per epoch. A stream
/// that cannot be written to (a full disk) never stops a training.
class ProgressDisplay {
 public:
  enum class Mode { silent, lines, bar };

  /// @param color whether escape sequences may be written
  ProgressDisplay(std::FILE* out, Mode mode, bool color, std::uint64_t epochs,
                  std::uint64_t interactions_per_epoch);
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;
  /// Leaves the last epoch where a bar was: what comes next starts on a line of its own.
  ~ProgressDisplay();

  /// Within an epoch; a bar is redrawn at most ten times a second.
  void update(std::uint64_t epoch, std::uint64_t interactions);
  void finish(const EpochLine& line);
  /// A remark on a line of its own.
  void note(const std::string& text);
  /// The same where something is wrong: also shown when all else is silent.
  void warn(const std::string& text);

 private:
  void print(const std::string& text);
  /// What removes the bar, if there may be one.
  [[nodiscard]] std::string clearing() const;
  /// Seconds that the rest will take if it goes on as so far.
  [[nodiscard]] double seconds_left(double epochs_done) const;

  std::FILE* out_;
  Mode mode_;
  bool color_;
  std::uint64_t epochs_;
  std::uint64_t interactions_per_epoch_;
  std::uint64_t epochs_before_ = 0;  // done before this display began
  bool started_ = false;
  bool drawn_ = false;     // a bar is on the screen
  std::size_t width_ = 0;  // of the last bar
  Stopwatch since_start_;
  Stopwatch since_drawn_;
  std::string last_;
};

/// "1:02:03", "2:03" or "4 s".
[[nodiscard]] std::string duration_text(double seconds);

}  // namespace factorps::scheduler

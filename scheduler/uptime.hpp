/// How long trainings of a run have been at work, and how many broke: RUN/uptime.json.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

#include "common/timer.hpp"

namespace factorps::scheduler {

/// Counts over all starts in a run directory, also of trainings that were begun anew: what breaks
/// them is the machine. A start that was not there to say that it ends has failed.
class Uptime {
 public:
  explicit Uptime(std::filesystem::path path) : path_{std::move(path)} {}

  /// A start: what the file holds is known from now on.
  /// @return what is wrong with the file, of which nothing is believed then; empty: nothing
  /// @throws ResourceError like the others
  std::string begin();
  /// Keeps the time until now: what comes after it is lost if the start fails.
  void keep();
  /// The end of a training that is finished, stops with a checkpoint, or would fail again alike.
  /// Without begin() nothing happens.
  void end();

  [[nodiscard]] std::uint64_t failures() const noexcept { return failures_; }
  /// Of all starts, with this one until now.
  [[nodiscard]] double seconds() const noexcept;
  /// Mean time between failures, from what was assumed beforehand and what was seen since: as if
  /// there had been a failure in `assumed` seconds before (the rate's mean a posteriori, if an
  /// exponential distribution with that mean was what one believed of it).
  [[nodiscard]] double between_failures(double assumed) const noexcept {
    return (assumed + seconds()) / (1 + static_cast<double>(failures_));
  }

 private:
  void read();
  void write() const;

  std::filesystem::path path_;
  std::uint64_t failures_ = 0;
  double earlier_ = 0;  // seconds of the starts before
  bool running_ = false;
  Stopwatch since_begin_;
};

}  // namespace factorps::scheduler

/// `train --trace`: what every role of a job did, in one file.
#pragma once

#include <filesystem>
#include <map>

#include "comm/clock_offset.hpp"
#include "comm/environment.hpp"
#include "common/trace.hpp"
#include "ps/layout.hpp"

namespace factorps::apps {

/// One object per rank, alive while the job runs.
class JobTrace {
 public:
  /// Collective: compares the clocks.
  /// @param run directory whose files must not be the trace
  /// @throws ConfigError or ResourceError if the file cannot be written
  JobTrace(std::filesystem::path file, std::filesystem::path run,
           const comm::Environment& environment, ps::JobLayout layout);

  /// Of a role of this rank; to be asked for before the role starts.
  [[nodiscard]] TraceRecorder* recorder(comm::RoleId role) { return &recorders_[role]; }
  /// Collective: when all roles have stopped. Rank 0 writes.
  void write() const;

 private:
  [[nodiscard]] std::vector<std::byte> own_events() const;
  void write(std::span<const std::vector<std::byte>> events_of_ranks) const;

  std::filesystem::path file_;
  std::filesystem::path run_;
  const comm::Environment& environment_;
  ps::JobLayout layout_;
  Clock::time_point start_;
  comm::ClockOffset at_start_;
  std::map<comm::RoleId, TraceRecorder> recorders_;
};

}  // namespace factorps::apps

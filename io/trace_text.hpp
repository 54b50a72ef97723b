/// Events of a job in the JSON that Perfetto and chrome://tracing read: a process per node, a
/// thread per role. Times are microseconds since the start of the job, by the clock of rank 0.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/trace.hpp"

namespace factorps {

/// The events of one role.
struct TraceTrack {
  int node = 0;
  std::string node_name;
  int role = 0;
  std::string role_name;
  std::uint64_t dropped = 0;       ///< older events that were not kept
  std::vector<TraceEvent> events;  ///< by the clock of rank 0
};

/// How far clocks agree.
struct TraceClock {
  Clock::time_point start;   ///< of the job
  double error_seconds = 0;  ///< most between two ranks; 0: one clock
};

/// The file begins with this, then come tracks with trace_separator() between them, then the end.
[[nodiscard]] std::string trace_begin();
[[nodiscard]] std::string trace_separator();
/// Cells, waits, passes and commands are complete events (ph X), crossings of blocks, which
/// overlap, pairs of ph b and e.
[[nodiscard]] std::string trace_track(const TraceTrack& track, const TraceClock& clock);
[[nodiscard]] std::string trace_end(const TraceClock& clock, std::uint64_t dropped);

}  // namespace factorps

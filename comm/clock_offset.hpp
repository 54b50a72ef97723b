/// How the clocks of a job's machines relate.
#pragma once

#include "comm/environment.hpp"

namespace factorps::comm {

/// The clock of this rank against that of rank 0.
struct ClockOffset {
  double seconds = 0;        ///< to subtract from times of this rank
  double error_seconds = 0;  ///< at most: half of the shortest round trip
};

enum class SameHost : bool {
  trust,   ///< ranks on the host of rank 0 read the same clock: no offset, no error
  measure  ///< ask them as well
};

/// Rank 0 asks every rank for its time, several times; the answer that came back soonest counts.
/// Collective; milliseconds per rank.
[[nodiscard]] ClockOffset clock_offset(const Environment& environment,
                                       SameHost same_host = SameHost::trust);

}  // namespace factorps::comm

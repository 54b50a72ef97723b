/// `plan --calibrate`: how fast this machine trains on the data.
#pragma once

#include <cstdint>

#include "comm/environment.hpp"
#include "io/config.hpp"
#include "io/dataset.hpp"
#include "scheduler/plan.hpp"

namespace factorps::apps {

/// What was measured, and on what.
struct Calibration {
  scheduler::Speed speed;
  int threads = 0;
  std::uint64_t passes = 0;        ///< measured training passes
  std::uint64_t interactions = 0;  ///< of each pass
  double seconds = 0;              ///< that it took
};

/// CPU seconds per user and item of rankings by dot products.
struct RankingSpeed {
  double evaluate = 0;   ///< places of some items, and a list
  double recommend = 0;  ///< a list
};
/// Medians of some rounds with made-up factors. @param items at most; fewer if they are many
[[nodiscard]] RankingSpeed measure_rankings(std::uint64_t dim, std::uint64_t items);

/// Trains, in this process and without files, on the first strips with all blocks, about two
/// seconds long, and evaluates them; the medians count.
Calibration calibrate(const Config& config, const Dataset& dataset, int threads,
                      const comm::Environment& environment);

}  // namespace factorps::apps

/// What streamed least squares will ask for, found by listing the interactions as a training does.
#pragma once

#include <cstddef>
#include <cstdint>

#include "io/dataset.hpp"
#include "ps/stream_map.hpp"

namespace factorps::worker {

/// Of one node, or the sum of several. Bytes.
struct StreamForecast {
  std::uint64_t solving = 0;           ///< rows that come and the questions for them, in an epoch
  std::uint64_t summing = 0;           ///< the same for Gram matrices, and sums that are sent
  std::uint64_t looking = 0;           ///< the same for one pass over all blocks
  std::uint64_t index_bytes = 0;       ///< of memory, to know which rows are needed when
  std::uint64_t most_index_bytes = 0;  ///< of one node

  StreamForecast& operator+=(const StreamForecast& other) noexcept;
};

/// Goes over the training interactions of the node, from either side.
/// @param stride floats of a row @param all_pairs whether there are Gram matrices
[[nodiscard]] StreamForecast forecast_stream(const Dataset& dataset, const ps::StreamMap& map,
                                             int node, std::size_t stride, bool all_pairs);

}  // namespace factorps::worker

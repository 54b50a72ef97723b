/// How row mode cuts an epoch into steps: a function of sizes.
#pragma once

#include <cstdint>

namespace factorps {

/// As many mini-batches as hold all interactions.
[[nodiscard]] constexpr std::uint64_t steps_of_epoch(std::uint64_t interactions,
                                                     std::uint64_t batch) noexcept {
  return (interactions + batch - 1) / batch;
}

}  // namespace factorps

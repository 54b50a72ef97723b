/// How many ratings each user gives.
#pragma once

#include <cstdint>
#include <vector>

namespace factorps {

/// Log-normal (sigma 1.2, about that of public rating data), at least 1, at most half of the items,
/// in sum exactly `interactions`. @return [user]
/// @throws ConfigError if that is impossible
[[nodiscard]] std::vector<std::uint32_t> ratings_per_user(std::uint64_t users, std::uint64_t items,
                                                          std::uint64_t interactions,
                                                          std::uint64_t seed);

}  // namespace factorps

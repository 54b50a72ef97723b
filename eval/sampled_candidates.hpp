/// Rankings among a few sampled items instead of all. They say little about rankings of all items
/// (Krichene, Rendle: "On sampled metrics for item recommendation", 2020): only when asked for.
#pragma once

#include <cstdint>
#include <span>

#include "common/random.hpp"

namespace factorps::eval {

/// Leaves, besides the relevant candidates, a uniform sample of `count` others (all of them if
/// there are not as many) and makes the rest no candidates.
/// @param scores of one user, as of candidate_scores()
/// @param relevant ascending
/// @param user numbers the user in the stream: the sample is a function of both alone
void keep_sample(std::span<float> scores, std::span<const std::uint32_t> relevant,
                 std::uint64_t count, const RandomStream& stream, std::uint64_t user);

/// Leaves the relevant candidates and those that are given, and makes the rest no candidates.
/// @param relevant, given ascending
void keep_given(std::span<float> scores, std::span<const std::uint32_t> relevant,
                std::span<const std::uint32_t> given);

}  // namespace factorps::eval

/// Errors of any predictor on a part of a dataset, shared out over the ranks strip by strip.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "eval/metrics.hpp"
#include "io/dataset.hpp"

namespace factorps::comm {
class Environment;
}

namespace factorps::apps {

struct Prediction {
  float value = 0;  ///< original units, not clipped
  eval::Cold cold = eval::Cold::none;
};
/// @param user, item rows of the dataset @param time when, if the dataset says so
using Predictor = std::function<Prediction(std::uint64_t user, std::uint64_t item,
                                           std::optional<std::int64_t> time)>;

/// What to evaluate on.
struct Target {
  const Dataset* dataset;
  Part part = Part::test;
  float low = 0;  ///< clipping range, original units
  float high = 0;
};

struct UserErrors {
  std::uint64_t user = 0;  ///< row of the dataset
  eval::ErrorSums sums;
};

struct Evaluation {
  eval::ErrorSums total;
  std::vector<UserErrors> users;  ///< in row order, those with interactions; empty if not wanted
};

/// Calls visit(user row, item row, value in original units) for all interactions of one strip in
/// logical order. The strip must have been verified (Dataset::verify).
void for_each_interaction(const Dataset& dataset, Part part, StripId strip,
                          const std::function<void(std::uint64_t, std::uint64_t, float)>& visit);

/// The same with the time of each, if the dataset has times.
void for_each_timed_interaction(const Dataset& dataset, Part part, StripId strip,
                                const std::function<void(std::uint64_t, std::uint64_t, float,
                                                         std::optional<std::int64_t>)>& visit);

/// Collective. The result, on rank 0 only, has the same bits for any number of ranks.
[[nodiscard]] Evaluation evaluate(const Target& target, const Predictor& predict, bool per_user,
                                  const comm::Environment& environment);

}  // namespace factorps::apps

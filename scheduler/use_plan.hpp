/// What evaluating and recommending with a model will need, before there is one. Pure functions of
/// sizes.
#pragma once

#include <cstdint>

#include "scheduler/plan.hpp"

namespace factorps::scheduler {

/// What the model is used for.
struct UseInput {
  std::uint64_t list_length = 10;  ///< items per user that are recommended
  bool layers = false;             ///< a network scores pairs (io/model_layers.hpp)
};

/// Of `factorps evaluate --at K` and `factorps recommend --all` on the dataset of the training.
/// Every rank holds as much, whatever it shares with others; model and dataset are mapped besides.
struct UsePlan {
  std::uint64_t evaluate_held = 0;   ///< bytes of a rank, for one K
  std::uint64_t recommend_held = 0;  ///< bytes of a rank
  std::uint64_t mapped = 0;          ///< bytes of the model; may be dropped and read again
  std::uint64_t lists = 0;           ///< bytes of the lists of all users as TSV, about
  std::uint64_t pairs = 0;           ///< scores that either of them computes
  double operations = 0;             ///< of these; 0: not known, a network
};
[[nodiscard]] UsePlan plan_use(const PlanInput& input, const Plan& plan, const UseInput& use);

}  // namespace factorps::scheduler

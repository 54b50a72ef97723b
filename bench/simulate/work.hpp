/// What the simulated workers have to do: the cells of a training and their times.
#pragma once

#include <cstdint>
#include <vector>

#include "io/dataset.hpp"
#include "model/grid.hpp"

namespace factorps::bench {

/// Measured seconds: a cell takes per_cell + runs x per_run + interactions x per_interaction.
struct CellCost {
  double per_cell = 0;
  double per_run = 0;
  double per_interaction = 0;
};

struct Work {
  Grid grid;
  std::vector<std::uint64_t> interactions;  // [cell]
  std::vector<std::uint64_t> nanoseconds;   // [cell]
};

/// A training that no file holds: users active by a log-normal law and items popular by a Zipf law
/// as in io/generate, cut into strips and blocks as in io/prepare.
struct Shape {
  std::uint64_t users = 0;
  std::uint64_t items = 0;
  std::uint64_t interactions = 0;
  std::uint32_t strips = 0;
  std::uint32_t blocks = 0;
  double offset = 10;  ///< popularity 1 / (rank + offset)^0.9: a larger one flattens the head
  std::uint64_t seed = 1;
};

/// Cells hold what their row and column sums let expect, with Poisson noise. Nobody meets an item
/// twice, so an item has at most as many interactions as there are users.
[[nodiscard]] Work synthetic_work(const Shape& shape, const CellCost& cost);

/// The training cells of a real dataset.
[[nodiscard]] Work work_of(const Dataset& dataset, const CellCost& cost);

}  // namespace factorps::bench

#include "scheduler/use_plan.hpp"

#include <algorithm>
#include <numeric>
#include <string>

#include "common/aligned_buffer.hpp"
#include "model/kernels/product_kernel.hpp"

namespace factorps::scheduler {
namespace {

// Measured like the memory of a training (scheduler/plan.hpp), bytes.
constexpr std::uint64_t kEvaluateBytes = std::uint64_t{5200} << 10;   // of a process alone
constexpr std::uint64_t kRecommendBytes = std::uint64_t{4500} << 10;  // the same
constexpr std::uint64_t kMpiBytes = kRankBytes - kAloneBytes;         // of one among several
/// Where their history and their held-out items begin and end.
constexpr std::uint64_t kStripUserBytes = std::uint64_t{2} * 2 * 8;
/// With its user, as it is found, and among those of the user.
constexpr std::uint64_t kStripItemBytes = 8 + 4;
/// Of all items for the users that are ranked at once, where places cannot be found as scores come.
constexpr std::uint64_t kScoresPerItem = 64 * sizeof(float);
/// Position, score, basis and what separates them.
constexpr std::uint64_t kLineBytes = 24;

/// What is known of the users of the largest strip.
std::uint64_t strip_bytes(const PlanInput& input) {
  std::uint64_t most = 0;
  for (std::uint32_t s = 0; s < input.grid.strips(); ++s) {
    const auto first = input.cells.begin() +
                       static_cast<std::ptrdiff_t>(input.grid.cell_index(StripId{s}, BlockId{0}));
    const auto interactions = std::accumulate(first, first + input.grid.blocks(), std::uint64_t{0});
    most = std::max(most, input.grid.users_of(StripId{s}).size() * kStripUserBytes +
                              interactions * kStripItemBytes);
  }
  return most;
}

/// Characters of an external id, about: integers have as many digits as there are of them.
std::uint64_t id_length(const PlanInput& input) {
  const std::uint64_t rows = input.grid.users() + input.grid.items();
  const std::uint64_t each = input.id_bytes / std::max(rows, std::uint64_t{1});
  return each > sizeof(std::int64_t) ? each - sizeof(std::uint64_t)
                                     : std::to_string(input.grid.users()).size();
}

}  // namespace

UsePlan plan_use(const PlanInput& input, const Plan& plan, const UseInput& use) {
  const std::uint64_t users = input.grid.users();
  const std::uint64_t items = input.grid.items();
  const std::uint64_t mpi = input.ranks * input.nodes > 1 ? kMpiBytes : 0;
  // Packed factors, or scores; counts of both sides, how often each item was listed, its norm.
  const std::uint64_t packed = round_up(items, kProductStrip) * input.dim * sizeof(float);
  UsePlan result;
  result.evaluate_held =
      kEvaluateBytes + mpi + strip_bytes(input) + (use.layers ? items * kScoresPerItem : packed) +
      items * (sizeof(std::uint32_t) + 2 * sizeof(std::uint64_t)) + users * sizeof(std::uint32_t);
  // External ids; biases and popularity.
  result.recommend_held = kRecommendBytes + mpi + input.id_bytes + items * 2 * sizeof(float);
  result.mapped = plan.model;
  result.lists = users * use.list_length * (2 * id_length(input) + kLineBytes);
  result.pairs = users * items;
  if (!use.layers) {
    result.operations = 2 * static_cast<double>(result.pairs) * static_cast<double>(input.dim);
  }
  return result;
}

}  // namespace factorps::scheduler

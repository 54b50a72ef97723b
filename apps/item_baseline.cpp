#include "apps/item_baseline.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "apps/evaluation.hpp"
#include "apps/plan_input.hpp"
#include "comm/environment.hpp"
#include "comm/shared_memory.hpp"
#include "eval/ease.hpp"
#include "eval/item_neighbours.hpp"
#include "eval/pair_matrix.hpp"

namespace factorps::apps {
namespace {

eval::PairMatrix training_pairs(const Dataset& dataset) {
  const Grid& grid = dataset.grid();
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
  pairs.reserve(dataset.interactions(Part::train));
  for (std::uint32_t strip = 0; strip < grid.strips(); ++strip) {
    dataset.verify(StripId{strip});
    for_each_interaction(dataset, Part::train, StripId{strip}, [&](auto user, auto item, float) {
      pairs.emplace_back(static_cast<std::uint32_t>(user), static_cast<std::uint32_t>(item));
    });
  }
  return {grid.users(), grid.items(), std::move(pairs)};
}

/// This rank among those of its machine.
struct Machine {
  int number = 0;
  std::size_t member = 0;
  std::size_t members = 0;

  explicit Machine(const comm::Environment& environment) {
    const auto& hosts = environment.hosts();
    const auto rank = static_cast<std::ptrdiff_t>(environment.rank());
    const std::string& mine = hosts[static_cast<std::size_t>(rank)];
    const std::set<std::string> names{hosts.begin(), hosts.end()};
    number = static_cast<int>(std::distance(names.begin(), names.find(mine)));
    member = static_cast<std::size_t>(std::count(hosts.begin(), hosts.begin() + rank, mine));
    members = static_cast<std::size_t>(std::ranges::count(hosts, mine));
  }
};

/// Every rank decides alike: a shortage on one machine ends the job.
void require_memory(std::size_t items, const Config& config, const comm::Environment& environment) {
  const std::uint64_t needed = eval::ease_bytes(items);
  const std::uint64_t free = room_of_this_machine(config).memory;
  if (environment.minimum(free >= needed ? 1 : 0) == 1) return;
  const std::string missing = free >= needed
                                  ? "too few are free on another machine"
                                  : fmt::format("{} are free, {} are missing", free, needed - free);
  throw ResourceError{
      fmt::format("--baseline ease: the weights of {} x {} items need {} bytes of memory, {}",
                  items, items, needed, missing)};
}

/// The weights of EASE in the memory of this machine.
class SharedItemWeights final : public eval::Scorer {
 public:
  SharedItemWeights(const EvaluateOptions& options, const Dataset& dataset,
                    const comm::Environment& environment)
      : SharedItemWeights{options, dataset, environment, Machine{environment}} {}

  [[nodiscard]] std::size_t items() const override { return scorer_.items(); }
  void score(std::span<const eval::Query> queries, const eval::VisitScores& visit) const override {
    scorer_.score(queries, visit);
  }

 private:
  SharedItemWeights(const EvaluateOptions& options, const Dataset& dataset,
                    const comm::Environment& environment, const Machine& machine)
      : memory_{environment, machine.number, static_cast<int>(machine.members),
                eval::ease_bytes(dataset.grid().items()), eval::ease_bytes(dataset.grid().items())},
        scorer_{dataset.grid().items(), eval::ease_stride(dataset.grid().items()), weights()} {
    const auto set =
        static_cast<InstructionSet>(environment.minimum(static_cast<int>(best_kernels().set)));
    const eval::Crew crew{machine.member, machine.members,
                          [&environment] { environment.barrier(); }};
    if (eval::ease_weights(training_pairs(dataset), options.ease_l2, weights(), set, crew)) return;
    throw ConfigError{
        fmt::format("--ease-l2 {}: the matrix cannot be inverted in single precision, expected a "
                    "larger value",
                    options.ease_l2)};
  }

  [[nodiscard]] std::span<float> weights() const {
    const auto bytes = memory_.bytes();
    return {reinterpret_cast<float*>(bytes.data()), bytes.size() / sizeof(float)};
  }

  comm::SharedMemory memory_;
  eval::ItemWeights scorer_;
};

}  // namespace

bool is_item_baseline(const std::string& name) {
  return name == "popular" || name == "item-knn" || name == "ease";
}

std::string describe_baseline(const EvaluateOptions& options) {
  if (options.baseline == "item-knn") {
    return fmt::format(
        "item-kNN of the training data (values ignored): cosine, {} neighbours, shrinkage {}",
        options.neighbours, options.shrinkage);
  }
  if (options.baseline == "ease") {
    return fmt::format("EASE of the training data (values ignored): l2 {}, single precision",
                       options.ease_l2);
  }
  return "most popular in the training data";
}

Ranker item_baseline(const EvaluateOptions& options, const Config& config, const Dataset& dataset,
                     const comm::Environment& environment) {
  if (options.baseline == "item-knn") {
    const eval::NeighbourSettings settings{static_cast<std::size_t>(options.neighbours),
                                           options.shrinkage};
    return Ranker{std::make_unique<eval::ItemNeighbours>(training_pairs(dataset), settings)};
  }
  if (options.baseline == "ease") {
    require_memory(dataset.grid().items(), config, environment);
    return Ranker{std::make_unique<SharedItemWeights>(options, dataset, environment)};
  }
  return Ranker{dataset};
}

}  // namespace factorps::apps

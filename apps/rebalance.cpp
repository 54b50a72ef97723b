#include "apps/rebalance.hpp"

#include <cstddef>
#include <cstring>

#include <fmt/format.h>

#include "ps/speed.hpp"
#include "scheduler/loss_report.hpp"

namespace factorps::apps {
namespace {

// Share of the computing of the node that takes longest. Less is not worth a checkpoint, and lies
// within what epochs differ by themselves.
constexpr double kWorthwhile = 0.05;

std::vector<std::uint64_t> strip_sizes(const Dataset& dataset) {
  const Grid& grid = dataset.grid();
  const auto cells = dataset.cell_sizes(Part::train);
  std::vector<std::uint64_t> strips(grid.strips());
  for (std::uint32_t s = 0; s < grid.strips(); ++s) {
    for (std::uint32_t b = 0; b < grid.blocks(); ++b) {
      strips[s] += cells[grid.cell_index(StripId{s}, BlockId{b})];
    }
  }
  return strips;
}

}  // namespace

Rebalance::Rebalance(const Config& config, const Dataset& dataset, ps::JobLayout& layout)
    : layout_{layout},
      every_{layout.nodes > 1 ? config.cluster.rebalance : 0},
      strips_{every_ > 0 ? strip_sizes(dataset) : std::vector<std::uint64_t>{}} {}

std::string Rebalance::after_epoch(std::span<const comm::WorkerDone> workers) {
  if (every_ == 0) return {};
  scheduler::add_pass(sums_, workers);
  if (++epochs_ < every_) return {};
  ps::JobLayout other = layout_;
  other.speed_of_node = ps::speeds_of_nodes(layout_, sums_);
  epochs_ = 0;
  sums_.clear();
  if (other.speed_of_node.empty()) return {};
  const auto longest = [&](const ps::JobLayout& layout) {
    const auto nodes = ps::place_strips(static_cast<std::uint32_t>(strips_.size()), layout);
    return ps::longest_computing(strips_, nodes, other.speed_of_node);
  };
  const double now = longest(layout_);
  const double then = longest(other);
  if (then > (1 - kWorthwhile) * now) return {};
  decision_ = other.speed_of_node;
  return fmt::format(
      "strips move to faster nodes: the slowest needs {:.3g} s for its cells, then {:.3g} s", now,
      then);
}

bool Rebalance::agree(const comm::Environment& environment) {
  if (every_ == 0) return false;
  const auto mine = std::as_bytes(std::span{decision_});
  std::vector<std::byte> bytes{mine.begin(), mine.end()};
  decision_.clear();
  environment.broadcast(bytes);
  if (bytes.empty()) return false;
  layout_.speed_of_node.resize(bytes.size() / sizeof(std::uint64_t));
  std::memcpy(layout_.speed_of_node.data(), bytes.data(), bytes.size());
  return true;
}

}  // namespace factorps::apps

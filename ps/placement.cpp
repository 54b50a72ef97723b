#include "ps/placement.hpp"

#include <fmt/format.h>

#include "common/check.hpp"
#include "common/error.hpp"

namespace factorps::ps {
namespace {

std::uint64_t strips_in_all(const std::vector<Share>& strips) { return strips.back().end; }

}  // namespace

Placement::Placement(const CellOrder& order, std::vector<int> node_of_strip,
                     std::uint32_t in_flight)
    : order_{order}, in_flight_{in_flight} {
  for (std::uint32_t s = 0; s < node_of_strip.size(); ++s) {
    if (s == 0 || node_of_strip[s] != node_of_strip[s - 1]) strips_.push_back({s, s});
    strips_.back().end = s + 1;
  }
  FACTORPS_CHECK(in_flight > 0 && nodes() == node_of_strip.back() + 1);
  if (blocks() < static_cast<std::uint32_t>(nodes())) {
    throw ConfigError{fmt::format(
        "{} nodes but the dataset's grid has {} blocks; expected at least one block per "
        "node: prepare it with a larger grid.parallelism",
        nodes(), blocks())};
  }
  std::uint32_t at = 0;
  for (const Share strips : strips_) {
    Share homes{at, at};
    for (; at < blocks() && order_.first_strip(order_.ring()[at]).value() < strips.end; ++at) {
      ++homes.end;
    }
    homes_.push_back(homes);
  }
}

std::vector<BlockId> Placement::homes(int node) const {
  const Share homes = homes_.at(static_cast<std::size_t>(node));
  return {order_.ring().begin() + homes.begin, order_.ring().begin() + homes.end};
}

std::uint32_t Placement::places(int node) const {
  const Share homes = homes_.at(static_cast<std::size_t>(node));
  return homes.end - homes.begin + (nodes() == 1 ? 0 : in_flight_);
}

BlockId Placement::visitor(int node, std::uint64_t visit) const {
  const Share homes = homes_.at(static_cast<std::size_t>(node));
  return order_.ring()[(homes.begin + visit) % blocks()];
}

std::uint64_t Placement::visit_of_arrival(int node, std::uint64_t n) const {
  const Share homes = homes_.at(static_cast<std::size_t>(node));
  return homes.end - homes.begin + n;
}

std::uint64_t Placement::turns_at_departure(int node, std::uint64_t visit) const {
  // A block that is home again ends its visit in the next pass: its number says so.
  const std::uint64_t pass = visit / blocks();
  const StripId last{strips(node).begin};
  return pass * strips_in_all(strips_) + order_.turn(last, visitor(node, visit)) + 1;
}

std::uint64_t Placement::turns_at_arrival(int node, std::uint64_t visit) const {
  const Share homes = homes_.at(static_cast<std::size_t>(node));
  const std::uint64_t arrival = visit - (homes.end - homes.begin);
  const std::uint64_t pass = arrival / blocks();
  const StripId before{strips(previous(node)).begin};
  return pass * strips_in_all(strips_) + order_.turn(before, visitor(node, visit)) + 1;
}

}  // namespace factorps::ps

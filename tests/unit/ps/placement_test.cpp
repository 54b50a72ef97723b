#include "ps/placement.hpp"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "common/error.hpp"

namespace factorps::ps {
namespace {

/// Strips of about equal number for each node.
std::vector<int> even_strips(std::uint32_t strips, int nodes) {
  std::vector<int> node_of_strip;
  for (std::uint32_t s = 0; s < strips; ++s) {
    node_of_strip.push_back(static_cast<int>(s * static_cast<std::uint32_t>(nodes) / strips));
  }
  return node_of_strip;
}

template <class Check>
void for_each_placement(Check&& check) {
  for (const std::uint32_t strips : {4U, 7U, 16U}) {
    for (const std::uint32_t blocks : {4U, 5U, 16U, 33U}) {
      const CellOrder order{strips, blocks, 3};
      for (int nodes = 1; nodes <= 4; ++nodes) {
        check(order, Placement{order, even_strips(strips, nodes), 2}, strips);
      }
    }
  }
}

TEST(Placement, GivesEveryBlockOneHome) {
  for_each_placement([](const CellOrder& order, const Placement& placement, std::uint32_t) {
    std::set<BlockId> seen;
    for (int node = 0; node < placement.nodes(); ++node) {
      const Share strips = placement.strips(node);
      for (const BlockId block : placement.homes(node)) {
        EXPECT_TRUE(seen.insert(block).second);
        EXPECT_GE(order.first_strip(block).value(), strips.begin);
        EXPECT_LT(order.first_strip(block).value(), strips.end);
      }
    }
    EXPECT_EQ(seen.size(), placement.blocks());
  });
}

TEST(Placement, SpreadsHomesAsTheStripsAreSpread) {
  const CellOrder order{8, 64, 3};
  const Placement placement{order, even_strips(8, 4), 1};
  for (int node = 0; node < 4; ++node) {
    EXPECT_EQ(placement.homes(node).size(), 16U);
    EXPECT_EQ(placement.places(node), 17U);
  }
}

/// Follows every block through two passes by the visits that the placement announces.
TEST(Placement, LeadsEveryBlockPastItsStripsInOrder) {
  for_each_placement([](const CellOrder& order, const Placement& placement, std::uint32_t strips) {
    if (placement.nodes() == 1) return;
    for (int node = 0; node < placement.nodes(); ++node) {
      const auto homes = placement.homes(node).size();
      for (std::uint64_t n = 0; n < 2 * placement.crossings(); ++n) {
        const std::uint64_t visit = placement.visit_of_arrival(node, n);
        ASSERT_EQ(visit, homes + n);
        const BlockId block = placement.visitor(node, visit);
        // What comes here is what the node before lets go, in the same order and at the same turn.
        const int before = placement.previous(node);
        ASSERT_EQ(placement.visitor(before, n), block);
        const std::uint64_t turns = placement.turns_at_arrival(node, visit);
        ASSERT_EQ(placement.turns_at_departure(before, n), turns);
        // The strip whose turn it is lives here.
        const Share own = placement.strips(node);
        bool here = false;
        for (std::uint32_t s = own.begin; s < own.end; ++s) {
          here = here || order.turn(StripId{s}, block) == turns % strips;
        }
        ASSERT_TRUE(here) << "node " << node << " visit " << visit;
      }
    }
  });
}

TEST(Placement, RefusesMoreNodesThanBlocks) {
  const CellOrder order{8, 3, 1};
  EXPECT_THROW((Placement{order, even_strips(8, 4), 1}), ConfigError);
}

}  // namespace
}  // namespace factorps::ps

#include "ps/layout.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "common/error.hpp"

namespace factorps::ps {
namespace {

using Numbers = std::vector<int>;

/// Nodes of `size` ranks each; 0: one node. [rank]
Numbers pretend(int ranks, int size) {
  Numbers nodes;
  for (int rank = 0; rank < ranks; ++rank) nodes.push_back(size == 0 ? 0 : rank / size);
  return nodes;
}

TEST(LayoutOfJob, GivesEachRoleARankIfThereAreEnough) {
  const JobLayout layout = layout_of_job(pretend(6, 0), 2);
  EXPECT_EQ(layout.servers, 2);
  EXPECT_EQ(layout.workers, 3);
  EXPECT_EQ(layout.rank_of_role, (Numbers{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(layout.node_of_role, (Numbers{0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(layout.nodes, 1);
}

TEST(LayoutOfJob, LetsRankZeroServeWhereRanksAreScarce) {
  const JobLayout two = layout_of_job(pretend(2, 0), 1);
  EXPECT_EQ(two.servers, 1);
  EXPECT_EQ(two.workers, 1);
  EXPECT_EQ(two.rank_of_role, (Numbers{0, 0, 1}));
  const JobLayout one = layout_of_job(pretend(1, 0), 1);
  EXPECT_EQ(one.workers, 1);
  EXPECT_EQ(one.rank_of_role, (Numbers{0, 0, 0}));
  const JobLayout three = layout_of_job(pretend(3, 0), 1);
  EXPECT_EQ(three.rank_of_role, (Numbers{0, 1, 2}));
}

TEST(LayoutOfJob, CountsAtLeastOneServer) {
  EXPECT_EQ(layout_of_job(pretend(4, 0), 0).servers, 1);
  EXPECT_EQ(layout_of_job(pretend(4, 0), 0).workers, 3);
  EXPECT_EQ(layout_of_job(pretend(4, 0), 0).rank_of_role, (Numbers{0, 0, 1, 2, 3}));
}

TEST(LayoutOfJob, GivesEveryNodeAServer) {
  const JobLayout layout = layout_of_job({0, 0, 0, 1, 1, 2}, 1);
  EXPECT_EQ(layout.nodes, 3);
  EXPECT_EQ(layout.servers, 3);
  EXPECT_EQ(layout.workers, 4);
  EXPECT_EQ(layout.rank_of_role, (Numbers{0, 0, 3, 5, 1, 2, 4, 5}));
  EXPECT_EQ(layout.node_of_role, (Numbers{0, 0, 1, 2, 0, 0, 1, 2}));
  EXPECT_EQ(servers_of_node(layout, 1), (Numbers{1}));
}

TEST(LayoutOfJob, TakesNodesWhoseRanksAreNotNeighbours) {
  const JobLayout layout = layout_of_job({0, 1, 0, 1, 0, 1}, 4);
  EXPECT_EQ(layout.rank_of_role, (Numbers{0, 0, 2, 1, 3, 4, 5}));
  EXPECT_EQ(servers_of_node(layout, 0), (Numbers{0, 1}));
  EXPECT_EQ(servers_of_node(layout, 1), (Numbers{2, 3}));
}

TEST(LayoutOfJob, RefusesServersThatLeaveANodeWithoutWorker) {
  EXPECT_THROW(static_cast<void>(layout_of_job({0, 0, 1, 1}, 3)), ConfigError);
  EXPECT_EQ(layout_of_job({0, 0, 1, 1}, 2).workers, 2);
}

TEST(LayoutOfJob, RefusesServersThatLeaveNoWorker) {
  for (const auto& [ranks, servers, most] :
       {std::tuple{1, 2, 1}, {2, 2, 1}, {3, 2, 1}, {4, 3, 2}}) {
    try {
      static_cast<void>(layout_of_job(pretend(ranks, 0), servers));
      ADD_FAILURE() << ranks << ' ' << servers;
    } catch (const ConfigError& error) {
      const std::string expected = "expected at most " + std::to_string(most);
      EXPECT_NE(std::string{error.what()}.find(expected), std::string::npos) << error.what();
    }
    EXPECT_EQ(layout_of_job(pretend(ranks, 0), most).servers, most);
  }
}

TEST(LayoutOfJob, GivesEveryRankARole) {
  for (int ranks = 1; ranks <= 9; ++ranks) {
    for (int node_size = 0; node_size <= 4; ++node_size) {
      const JobLayout layout = layout_of_job(pretend(ranks, node_size), 1);
      const auto& rank_of = layout.rank_of_role;
      ASSERT_EQ(rank_of.size(), static_cast<std::size_t>(layout.roles()));
      ASSERT_GE(layout.workers, layout.nodes);
      EXPECT_EQ(layout.servers, layout.nodes);
      for (int rank = 0; rank < ranks; ++rank) EXPECT_GT(std::ranges::count(rank_of, rank), 0);
      for (const int node : layout.node_of_role) EXPECT_LT(node, layout.nodes);
    }
  }
}

TEST(LayoutOfProcess, HostsEveryRoleOnRankZero) {
  const JobLayout layout = layout_of_process(3);
  EXPECT_EQ(layout.workers, 3);
  EXPECT_EQ(layout.servers, 1);
  EXPECT_EQ(layout.rank_of_role, Numbers(5, 0));
  EXPECT_EQ(layout.node_of_role, Numbers(5, 0));
}

TEST(ShareOf, CoversAllOnceAndEvenly) {
  for (const std::uint32_t n : {0U, 1U, 5U, 16U, 4294967295U}) {
    for (const int parts : {1, 2, 3, 7}) {
      std::uint32_t end = 0;
      for (int p = 0; p < parts; ++p) {
        const Share share = share_of(n, p, parts);
        EXPECT_EQ(share.begin, end);
        const std::uint32_t even = n / static_cast<std::uint32_t>(parts);
        EXPECT_TRUE(share.end - share.begin == even || share.end - share.begin == even + 1);
        end = share.end;
      }
      EXPECT_EQ(end, n);
    }
  }
}

TEST(PlaceStrips, KeepsThemOnOneNodeIfThereIsOne) {
  EXPECT_EQ(place_strips(3, layout_of_process(2)), (Numbers{0, 0, 0}));
}

TEST(PlaceStrips, FollowsTheWorkersOfEachNode) {
  // Two workers, one, and one.
  EXPECT_EQ(place_strips(8, layout_of_job({0, 0, 0, 1, 1, 2}, 1)),
            (Numbers{0, 0, 0, 0, 1, 1, 2, 2}));
}

TEST(PlaceStrips, FollowsTheSpeedOfEachNodeIfItIsKnown) {
  JobLayout layout = layout_of_job({0, 0, 0, 1, 1, 2}, 1);
  layout.speed_of_node = {1'000'000, 3'000'000, 4'000'000};
  EXPECT_EQ(place_strips(8, layout), (Numbers{0, 1, 1, 1, 2, 2, 2, 2}));
  EXPECT_EQ(place_strips(9, layout, StripPlacement::evenly), (Numbers{0, 0, 0, 1, 1, 1, 2, 2, 2}));
  layout.speed_of_node = {10'000'000'000, 1, 1};
  EXPECT_EQ(place_strips(65536, layout)[65533], 0);
  EXPECT_EQ(place_strips(65536, layout)[65534], 1);
  EXPECT_EQ(place_strips(65536, layout)[65535], 2);
}

TEST(PlaceStrips, GivesEveryNodeAtLeastOne) {
  for (int ranks = 1; ranks <= 9; ++ranks) {
    for (int node_size = 1; node_size <= 4; ++node_size) {
      const JobLayout layout = layout_of_job(pretend(ranks, node_size), 1);
      for (const std::uint32_t strips : {1U, 4U, 9U, 13U}) {
        if (strips < static_cast<std::uint32_t>(layout.nodes)) {
          EXPECT_THROW(static_cast<void>(place_strips(strips, layout)), ConfigError);
          continue;
        }
        const Numbers nodes = place_strips(strips, layout);
        ASSERT_EQ(nodes.size(), strips);
        EXPECT_TRUE(std::ranges::is_sorted(nodes));
        for (int node = 0; node < layout.nodes; ++node) {
          EXPECT_GT(std::ranges::count(nodes, node), 0) << ranks << ' ' << node_size;
        }
      }
    }
  }
}

}  // namespace
}  // namespace factorps::ps

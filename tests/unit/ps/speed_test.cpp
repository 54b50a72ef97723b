#include "ps/speed.hpp"

#include <gtest/gtest.h>

namespace factorps::ps {
namespace {

using Counts = std::vector<std::uint64_t>;

comm::WorkerDone worker(std::uint64_t interactions, double compute_seconds) {
  comm::WorkerDone done;
  done.interactions = interactions;
  done.compute_seconds = compute_seconds;
  return done;
}

/// Two workers on node 0, one on node 1.
const JobLayout kLayout = layout_of_job({0, 0, 0, 1, 1}, 1);

TEST(SpeedsOfNodes, AddUpTheirWorkersWhileTheyCompute) {
  const std::vector<comm::WorkerDone> pass{worker(300, 1), worker(100, 3), worker(50, 0.5)};
  EXPECT_EQ(speeds_of_nodes(kLayout, pass), (Counts{200, 100}));
}

TEST(SpeedsOfNodes, AreUnknownIfANodeHasNotComputed) {
  const std::vector<comm::WorkerDone> pass{worker(300, 1), worker(100, 3), worker(0, 0)};
  EXPECT_TRUE(speeds_of_nodes(kLayout, pass).empty());
}

TEST(LongestComputing, IsThatOfTheNodeWhichTakesLongest) {
  const Counts strips{10, 20, 30, 40};
  const Counts speeds{10, 20};
  EXPECT_EQ(longest_computing(strips, std::vector{0, 0, 1, 1}, speeds), 3.5);
  EXPECT_EQ(longest_computing(strips, std::vector{0, 0, 0, 1}, speeds), 6);
}

}  // namespace
}  // namespace factorps::ps

#include "scheduler/scaling/runs.hpp"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "common/error.hpp"

namespace factorps::scheduler {
namespace {

using Words = std::vector<std::string>;

Config config_of(const Words& layouts) {
  Config config;
  config.scaling.layouts = layouts;
  config.scaling.repetitions = 3;
  return config;
}

std::vector<std::string> ids(const Config& config) {
  std::vector<std::string> all;
  for (const ScalingRun& run : scaling_runs(config)) all.push_back(run.id());
  return all;
}

TEST(ScalingRuns, AreEveryCombinationAsOftenAsAsked) {
  Config config = config_of({"1x1", "2x2s2"});
  config.scaling.dims = {8, 16};
  config.scaling.grids = {"8x4", "4x4"};
  const auto all = ids(config);
  EXPECT_EQ(all.size(), 2U * 2 * 2 * 3);
  EXPECT_EQ(std::set(all.begin(), all.end()).size(), all.size());
  EXPECT_EQ(std::ranges::count(all, "2x2s2-dim16-grid8x4-r3"), 1);
}

TEST(ScalingRuns, ComeInAnOrderOfTheSeed) {
  Config config = config_of({"1x1", "1x2", "1x3", "1x4"});
  const auto first = ids(config);
  EXPECT_EQ(ids(config), first);
  EXPECT_FALSE(std::ranges::is_sorted(first));
  config.scaling.seed = 2;
  EXPECT_NE(ids(config), first);
  EXPECT_TRUE(std::ranges::is_permutation(ids(config), first));
}

TEST(ScalingRuns, NeedALayout) { EXPECT_THROW(static_cast<void>(ids(config_of({}))), ConfigError); }

TEST(ScalingData, IsThatOfTheConfigurationUnlessAGridIsAskedFor) {
  const Config config = config_of({"1x1"});
  EXPECT_EQ(data_of({}, config).name, "");
  const ScalingData data = data_of({{}, 8, {8, 4}, 1}, config);
  EXPECT_EQ(data.name, "data-grid8x4");
  EXPECT_EQ(data.grid, (Words{"grid.strips=8", "grid.blocks=4"}));
  EXPECT_EQ(data.users, 0);
}

TEST(ScalingData, GrowsWithTheWorkersInWeakScaling) {
  Config config = config_of({"1x1"});
  config.scaling.users = 100;
  config.scaling.items = 50;
  config.scaling.interactions = 1000;
  const ScalingRun run{{2, 3, 1}, 8, {}, 1};
  EXPECT_EQ(data_of(run, config).users, 100);
  config.scaling.mode = "weak";
  const ScalingData data = data_of(run, config);
  EXPECT_EQ(data.users, 600);
  EXPECT_EQ(data.interactions, 6000);
  EXPECT_EQ(data.name, "600users-50items-6000ratings-seed1");
  EXPECT_NE(scaling_identity(config, run), scaling_identity(config, {{1, 1, 1}, 8, {}, 1}));
}

TEST(ScalingIdentity, IsOfWhatIsTrainedNotOfTheLayout) {
  Config config = config_of({"1x1"});
  const std::string before = scaling_identity(config, {{1, 1, 1}, 8, {}, 1});
  EXPECT_EQ(scaling_identity(config, {{4, 2, 1}, 8, {}, 2}), before);
  EXPECT_NE(scaling_identity(config, {{1, 1, 1}, 16, {}, 1}), before);
  EXPECT_NE(scaling_identity(config, {{1, 1, 1}, 8, {8, 8}, 1}), before);
  ++config.train.epochs;
  EXPECT_NE(scaling_identity(config, {{1, 1, 1}, 8, {}, 1}), before);
}

TEST(AssignmentsOf, PretendNodesOnOneMachine) {
  const ScalingRun run{{2, 3, 2}, 8, {}, 1};
  EXPECT_EQ(assignments_of(run, {1}),
            (Words{"model.dim=8", "cluster.servers=4", "cluster.node_size=5"}));
  EXPECT_EQ(assignments_of(run, {2}),
            (Words{"model.dim=8", "cluster.servers=4", "cluster.node_size=0"}));
  EXPECT_EQ(assignments_of({{1, 1, 0}, 8, {}, 1}, {1}),
            (Words{"model.dim=8", "cluster.servers=1", "cluster.node_size=0"}));
}

TEST(LaunchCommand, GivesMpirunTheRanks) {
  EXPECT_EQ(launch_command({"mpirun", "--quiet"}, {2, 3, 1}, {1}),
            (Words{"mpirun", "--quiet", "-n", "8"}));
  EXPECT_EQ(launch_command({"mpirun"}, {2, 3, 1}, {4}),
            (Words{"mpirun", "-n", "8", "--map-by", "ppr:4:node"}));
}

TEST(LaunchCommand, GivesSrunTheNodesToo) {
  EXPECT_EQ(
      launch_command({"/opt/bin/srun", "--mpi=pmix"}, {2, 3, 1}, {4}),
      (Words{"/opt/bin/srun", "--mpi=pmix", "--nodes=2", "--ntasks=8", "--ntasks-per-node=4"}));
  EXPECT_EQ(launch_command({"srun"}, {2, 3, 1}, {1}),
            (Words{"srun", "--nodes=1", "--ntasks=8", "--ntasks-per-node=8"}));
}

TEST(LaunchCommand, RefusesMoreNodesThanSeveralAllocated) {
  try {
    static_cast<void>(launch_command({"mpirun"}, {4, 1, 1}, {2}));
    FAIL() << "no error";
  } catch (const ConfigError& error) {
    EXPECT_EQ(std::string{error.what()},
              "scaling.layouts: 4x1 has 4 nodes, expected at most the 2 of this allocation (or "
              "one, on which nodes are pretended)");
  }
}

}  // namespace
}  // namespace factorps::scheduler

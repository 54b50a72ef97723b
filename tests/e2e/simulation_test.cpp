/// A training on a simulated cluster, small enough for seconds: what holds whatever the times are.
/// Skipped where SimGrid was not found when the build was configured.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/run_program.hpp"

namespace factorps::test {
namespace {

constexpr std::uint64_t kItems = 1000;
constexpr std::uint64_t kStrips = 16;
constexpr std::uint64_t kBlocks = 8;

class Simulation : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::string{FACTORPS_SIMULATOR}.empty()) {
      GTEST_SKIP() << "bench/simulate is not built: SimGrid (libsimgrid-dev) was not found";
    }
  }
  static ProgramResult simulate(const std::vector<std::string>& options) {
    std::vector<std::string> command{FACTORPS_SIMULATOR,
                                     "--users=4000",
                                     "--items=" + std::to_string(kItems),
                                     "--interactions=400000",
                                     "--strips=" + std::to_string(kStrips),
                                     "--blocks=" + std::to_string(kBlocks),
                                     "--workers=2",
                                     "--passes=2",
                                     "--per-cell=1e-6",
                                     "--per-run=3e-8",
                                     "--per-interaction=2e-8"};
    command.insert(command.end(), options.begin(), options.end());
    return run_program(command);
  }
  static nlohmann::json result_of(const std::vector<std::string>& options) {
    const ProgramResult result = simulate(options);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return nlohmann::json::parse(result.out);
  }
};

TEST_F(Simulation, MovesEveryBlockOncePerNodeAndTrainsEveryCellOnce) {
  constexpr std::uint64_t kHeader = 16;
  for (const auto& [nodes, dim, row] : {std::tuple{2, 128, 520}, {4, 128, 520}, {3, 32, 136}}) {
    const auto run =
        result_of({"--nodes=" + std::to_string(nodes), "--dim=" + std::to_string(dim)});
    const auto n = static_cast<std::uint64_t>(nodes);
    for (const auto& pass : run["passes"]) {
      const auto rows = kItems * static_cast<std::uint64_t>(row);
      EXPECT_EQ(pass["block_bytes"], n * (rows + kBlocks * kHeader));
      EXPECT_EQ(pass["block_moves"], n * kBlocks);
      EXPECT_EQ(pass["cells"], kStrips * kBlocks);
      EXPECT_EQ(pass["interactions"], run["passes"][0]["interactions"]);
    }
  }
}

TEST_F(Simulation, TakesAtLeastWhatComputingTurnsAndWireNeed) {
  for (const char* gbit : {"--gbit=100", "--gbit=0.5"}) {
    for (const char* nodes : {"--nodes=1", "--nodes=4"}) {
      const auto run = result_of({gbit, nodes});
      for (const auto& [name, bound] : run["bounds"].items()) {
        EXPECT_GE(run["passes"].back()["seconds"], bound) << name << " " << gbit << " " << nodes;
      }
    }
  }
}

TEST_F(Simulation, WaitsForASlowNetwork) {
  const auto fast = result_of({"--nodes=4", "--gbit=100"})["passes"].back();
  const auto slow = result_of({"--nodes=4", "--gbit=0.5"})["passes"].back();
  EXPECT_GT(slow["seconds"], 2 * fast["seconds"].get<double>());
  EXPECT_GT(slow["wait_block_seconds"], 5 * fast["wait_block_seconds"].get<double>());
}

TEST_F(Simulation, RefusesMoreNodesThanTheGridHasBlocks) {
  const ProgramResult result = simulate({"--nodes=9"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(result.err.find("9 nodes but the dataset's grid has 8 blocks"), std::string::npos)
      << result.err;
}

}  // namespace
}  // namespace factorps::test

/// Strips that move to faster nodes between epochs.
#include <gtest/gtest.h>

#include "tests/e2e/training_fixture.hpp"

namespace factorps::test {
namespace {

using nlohmann::json;

class Rebalance : public Training {
 protected:
  /// Two pretend nodes of two ranks; the clock of the second runs 64 times as fast.
  std::vector<std::string> command(const std::string& run, const Settings& settings) const {
    Settings all{"cluster.node_size=2"};
    all.insert(all.end(), settings.begin(), settings.end());
    std::vector<std::string> whole{FACTORPS_MPIRUN};
    for (const char* factor : {"1", "64"}) {
      if (whole.size() > 1) whole.emplace_back(":");
      const std::string clock = std::string{"CLOCK_FACTOR="} + factor;
      whole.insert(whole.end(), {"-n", "2", "env", clock, FACTORPS_SCALED_CLOCK});
      const auto arguments = train(run, all);
      whole.insert(whole.end(), arguments.begin(), arguments.end());
    }
    return whole;
  }
  json summary_of(const ProgramResult& result) const {
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return json::parse(result.exit_code == 0 ? result.out : "{}");
  }
  /// Epochs after which strips have moved.
  std::vector<std::string> moves_of(const std::string& run) const {
    const std::string text = read_text(directory_ / run / "log.txt");
    const std::string mark = " strips move to faster nodes";
    std::vector<std::string> epochs;
    for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1)) {
      const std::size_t space = text.rfind(' ', at - 1);
      epochs.push_back(text.substr(space + 1, at - space - 1));
    }
    return epochs;
  }
};

TEST_F(Rebalance, MovesStripsToTheFasterNodeWithoutChangingTheModel) {
  const std::string expected = hash(0, "alone");
  EXPECT_EQ(hash(3, "one_node", {"cluster.rebalance=1"}), expected);
  EXPECT_TRUE(moves_of("one_node").empty());
  for (const std::string lease : {"dense", "sparse"}) {
    const Settings settings{"cluster.rebalance=2", "cluster.lease=" + lease};
    const json summary = summary_of(run_program(command(lease, settings)));
    EXPECT_EQ(summary["model_sha256"], expected);
    EXPECT_EQ(summary["epochs"], 6);
    EXPECT_EQ(epochs_of(lease), 6U);
    // Once they have moved, the speeds are as foretold.
    EXPECT_EQ(moves_of(lease), (std::vector<std::string>{"2"}));
  }
}

TEST_F(Rebalance, MovesThePiecesOfLeastSquaresToo) {
  const Settings ials{"train.solver=ials", "evaluate.metric=ndcg@10", "train.epochs=3"};
  Settings moving = ials;
  moving.emplace_back("cluster.rebalance=1");
  const json summary = summary_of(run_program(command("moved", moving)));
  EXPECT_EQ(summary["model_sha256"], hash(0, "alone", ials));
  EXPECT_EQ(moves_of("moved"), (std::vector<std::string>{"1"}));
}

}  // namespace
}  // namespace factorps::test

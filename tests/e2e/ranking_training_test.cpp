/// Training to rank, end to end: the same bits on every layout, before and after an interruption,
/// and the ranking metrics that `evaluate` finds too.
#include <csignal>
#include <sstream>
#include <utility>

#include <gtest/gtest.h>

#include "tests/e2e/training_fixture.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps::test {
namespace {

using nlohmann::json;

class Ials : public Training {
 protected:
  static Settings with(Settings more = {}) {
    Settings all{"train.solver=ials",      "ials.confidence=linear", "ials.alpha=0.2",
                 "evaluate.metric=ndcg@5", "train.l2=0.02",          "train.epochs=3"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
};

TEST_F(Ials, ComputesTheSameBitsOnAnyLayout) {
  for (const std::string method : {"subspace", "cg"}) {
    const std::string key = "ials.method=" + method;
    const std::string expected = hash(0, "alone", with({key, "cluster.workers=1"}));
    EXPECT_EQ(hash(0, "alone", with({key, "cluster.workers=3"})), expected);
    struct Layout {
      int ranks;
      const char* servers;
      const char* node_size;
    };
    for (const auto& [ranks, servers, node_size] :
         {Layout{1, "1", "0"}, Layout{3, "1", "0"}, Layout{5, "2", "0"}, Layout{4, "1", "2"},
          Layout{3, "1", "1"}, Layout{8, "1", "2"}, Layout{6, "4", "3"}}) {
      EXPECT_EQ(hash(ranks, "job",
                     with({key, std::string{"cluster.servers="} + servers,
                           std::string{"cluster.node_size="} + node_size})),
                expected)
          << ranks << " ranks, " << servers << " servers, nodes of " << node_size;
    }
  }
}

TEST_F(Ials, ComputesTheSameBitsWithoutWholeTables) {
  for (const std::string method : {"cholesky", "subspace", "cg"}) {
    const std::string key = "ials.method=" + method;
    const json expected = trained(0, "alone", with({key}));
    const auto check = [&](int ranks, const char* node_size, const char* servers) {
      const json summary =
          trained(ranks, "job",
                  with({key, "ials.copies=streamed", std::string{"cluster.node_size="} + node_size,
                        std::string{"cluster.servers="} + servers}));
      EXPECT_EQ(summary["model_sha256"], expected["model_sha256"])
          << method << ": " << ranks << " ranks, nodes of " << node_size;
      EXPECT_EQ(summary["test"], expected["test"]);
    };
    check(2, "1", "1");
    check(3, "1", "1");
    check(5, "2", "1");
  }
  const std::string expected = hash(0, "alone", with());
  EXPECT_EQ(hash(1, "job", with({"ials.copies=streamed"})), expected);
  EXPECT_EQ(hash(4, "job", with({"ials.copies=streamed"})), expected);
}

/// Both ways have the same checkpoints. plan.json foretells every byte.
TEST_F(Ials, GoesOnWithAndWithoutWholeTables) {
  const auto last = [](Settings more) {
    more.insert(more.end(), {"evaluate.keep=last"});
    return with(std::move(more));
  };
  const std::string expected = hash(0, "whole", last({"train.epochs=4"}));
  const Settings streamed = last({"train.epochs=4", "ials.copies=streamed", "cluster.node_size=1"});
  static_cast<void>(trained(3, "to streamed", last({"cluster.node_size=1"})));
  EXPECT_EQ(hash(3, "to streamed", streamed, {"--resume", "auto"}), expected);
  static_cast<void>(trained(3, "to whole", last({"ials.copies=streamed", "cluster.node_size=1"})));
  const json plan = json::parse(read_text(directory_ / "to whole/plan.json"));
  EXPECT_EQ(plan["copies"]["mode"], "streamed");
  std::istringstream lines{read_text(directory_ / "to whole/metrics.jsonl")};
  std::string line;
  std::getline(lines, line);
  const json bytes = json::parse(line)["block_bytes"];
  EXPECT_EQ(plan["bytes_per_epoch"], bytes["train"]);
  EXPECT_EQ(plan["bytes_per_evaluation"], bytes["evaluate"]);
  EXPECT_EQ(
      hash(4, "to whole", last({"train.epochs=4", "cluster.node_size=2"}), {"--resume", "auto"}),
      expected);
}

TEST_F(Ials, GoesOnWhereItWasStoppedOnAnotherLayout) {
  Program program{command_of(0, train("stopped", with({"train.epochs=1000000"})))};
  ASSERT_TRUE(reaches_epoch(program, "stopped", 2));
  program.signal(SIGUSR1);
  const ProgramResult result = program.wait();
  ASSERT_EQ(result.exit_code, 75) << result.err;
  const std::string epochs = "train.epochs=" + std::to_string(epochs_of("stopped") + 2);
  const std::string expected = hash(0, "whole", with({epochs}));
  EXPECT_EQ(hash(4, "stopped", with({epochs, "cluster.node_size=2"}), {"--resume", "auto"}),
            expected);
}

TEST_F(Ials, FollowsTheMetricsThatEvaluateFinds) {
  const json summary = trained(3, "run", with({"model.dim=20"}));
  const ProgramResult evaluated = factorps(
      {"evaluate", directory_ / "run/model.h5", directory_ / "dataset.h5", "--at", "5", "--json"});
  ASSERT_EQ(evaluated.exit_code, 0) << evaluated.err;
  const json metrics = json::parse(evaluated.out)["metrics"];
  for (const char* name : {"ndcg@5", "recall@5", "precision@5", "hit_rate@5", "map@5", "mrr@5"}) {
    // Sums over the same users in another order.
    EXPECT_NEAR(summary["test"][name], metrics[name]["mean"].get<double>(), 1e-12) << name;
  }
  EXPECT_GT(summary["test"]["ndcg@5"], 0);
}

class Als : public Training {
 protected:
  static Settings with(Settings more = {}) {
    Settings all{"train.solver=als", "train.l2=0.05", "train.epochs=4"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
};

TEST_F(Als, ComputesTheSameBitsOnAnyLayout) {
  for (const std::string method : {"cholesky", "cg"}) {
    const std::string key = "ials.method=" + method;
    const std::string expected = hash(0, "alone", with({key, "cluster.workers=1"}));
    EXPECT_EQ(hash(0, "alone", with({key, "cluster.workers=3"})), expected);
    EXPECT_EQ(hash(5, "job", with({key, "cluster.servers=2"})), expected);
    EXPECT_EQ(hash(3, "job", with({key, "cluster.node_size=1"})), expected);
    EXPECT_EQ(hash(8, "job", with({key, "cluster.node_size=2"})), expected);
    const Settings streamed = with({key, "cluster.node_size=1", "ials.copies=streamed"});
    EXPECT_EQ(hash(3, "job", streamed), expected);
  }
}

TEST_F(Als, GoesOnWhereItWasStoppedOnAnotherLayout) {
  Program program{command_of(0, train("stopped", with({"train.epochs=1000000"})))};
  ASSERT_TRUE(reaches_epoch(program, "stopped", 2));
  program.signal(SIGUSR1);
  const ProgramResult result = program.wait();
  ASSERT_EQ(result.exit_code, 75) << result.err;
  const std::string epochs = "train.epochs=" + std::to_string(epochs_of("stopped") + 2);
  const std::string expected = hash(0, "whole", with({epochs}));
  EXPECT_EQ(hash(4, "stopped", with({epochs, "cluster.node_size=2"}), {"--resume", "auto"}),
            expected);
}

/// Training and `evaluate` predict by different kernels: with biases in the rows, and beside them.
TEST_F(Als, MeasuresWhatEvaluateFinds) {
  const json summary = trained(3, "run", with({"model.dim=14"}));
  const ProgramResult evaluated =
      factorps({"evaluate", directory_ / "run/model.h5", directory_ / "dataset.h5", "--json"});
  ASSERT_EQ(evaluated.exit_code, 0) << evaluated.err;
  const json metrics = json::parse(evaluated.out);
  for (const char* name : {"rmse", "mae"}) {
    // Predictions are sums of 16 floats up to 5 in another order.
    EXPECT_NEAR(summary["test"][name], metrics[name].get<double>(), 16 * 5 * 0x1p-24);
  }
}

/// The planted model is known: the best error possible is that of the noise.
TEST_F(Als, ComesCloseToTheNoise) {
  const ProgramResult generated =
      factorps({"generate", "--users", "800", "--items", "300", "--interactions", "60000", "--dim",
                "2", "--seed", "3", "--out", directory_ / "planted", "--json"});
  ASSERT_EQ(generated.exit_code, 0) << generated.err;
  const double noise = json::parse(generated.out)["noise_floor_rmse"];
  const Settings data{"data.source=" + (directory_ / "planted.train.csv").string(),
                      "data.test=" + (directory_ / "planted.test.csv").string(),
                      "data.dataset=" + (directory_ / "planted.h5").string()};
  std::vector<std::string> prepare{"prepare", config_};
  for (const auto& setting : data) prepare.insert(prepare.end(), {"--set", setting});
  const ProgramResult prepared = factorps(prepare);
  ASSERT_EQ(prepared.exit_code, 0) << prepared.err;
  Settings settings = with({"model.dim=2", "train.epochs=20", "train.l2=0.02"});
  settings.insert(settings.end(), data.begin(), data.end());
  const json summary = trained(0, "planted", settings);
  EXPECT_GT(summary["test"]["rmse"], 0.98 * noise);
  EXPECT_LT(summary["test"]["rmse"], 1.05 * noise);
}

TEST_F(Training, RanksWithTheSameBitsOnAnyLayoutOfANode) {
  const Settings softmax{"train.loss=softmax", "evaluate.metric=recall@10", "train.epochs=3",
                         "ranking.negatives=32", "ranking.batch=64"};
  const auto with = [&](Settings more) {
    more.insert(more.begin(), softmax.begin(), softmax.end());
    return more;
  };
  const std::string expected = hash(0, "alone", with({"cluster.workers=1"}));
  EXPECT_EQ(hash(0, "alone", with({"cluster.workers=3"})), expected);
  EXPECT_EQ(hash(3, "job", with({})), expected);
  EXPECT_EQ(hash(5, "job", with({"cluster.servers=2"})), expected);
  for (const char* option : {"ranking.l2_negative=0.1", "ranking.popularity_exponent=0.5",
                             "ranking.exclude_positives=true", "ranking.user_dropout=0.2"}) {
    const std::string other = hash(0, "other", with({"ranking.scores=dot", option}));
    EXPECT_NE(other, hash(0, "dot", with({"ranking.scores=dot"}))) << option;
    EXPECT_EQ(hash(5, "other", with({"ranking.scores=dot", option})), other) << option;
  }
  const json summary = trained(0, "run", softmax);
  const ProgramResult evaluated = factorps(
      {"evaluate", directory_ / "run/model.h5", directory_ / "dataset.h5", "--at", "10", "--json"});
  ASSERT_EQ(evaluated.exit_code, 0) << evaluated.err;
  EXPECT_NEAR(summary["test"]["recall@10"],
              json::parse(evaluated.out)["metrics"]["recall@10"]["mean"].get<double>(), 1e-12);
}

class Ranking : public Training {
 protected:
  static Settings with(Settings more = {}) {
    Settings all{"train.loss=softmax",   "evaluate.metric=ndcg@10", "train.epochs=3",
                 "ranking.negatives=32", "ranking.batch=64",        "checkpoint.every_epochs=1"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  /// What metrics.jsonl says of the model, but for times and bytes.
  std::vector<json> losses_of(const std::string& run) const {
    std::vector<json> losses;
    std::istringstream text{read_text(directory_ / run / "metrics.jsonl")};
    for (std::string line; std::getline(text, line);) {
      const json epoch = json::parse(line);
      losses.push_back({epoch["train_loss"], epoch["validation"], epoch["best"]});
    }
    return losses;
  }
};

/// Blocks come and go; the held-out items of a user are never all on the node.
TEST_F(Ranking, ComputesTheSameBitsOnAnyNodes) {
  const json expected = trained(0, "alone", with({"cluster.workers=1"}));
  struct Layout {
    int ranks;
    const char* node_size;
    const char* lease;
  };
  for (const auto& [ranks, node_size, lease] : {Layout{2, "1", "auto"}, Layout{4, "2", "dense"},
                                                Layout{3, "1", "auto"}, Layout{5, "2", "auto"}}) {
    const json summary = trained(ranks, "nodes",
                                 with({std::string{"cluster.node_size="} + node_size,
                                       std::string{"cluster.lease="} + lease}));
    for (const char* key : {"model_sha256", "validation", "test"}) {
      EXPECT_EQ(summary[key], expected[key]) << ranks << " ranks, nodes of " << node_size;
    }
    EXPECT_EQ(losses_of("nodes"), losses_of("alone"));
  }
}

TEST_F(Ranking, GoesOnAfterAKillOnOtherNodes) {
  Program program{
      command_of(4, train("killed", with({"cluster.node_size=2", "train.epochs=1000000"})))};
  ASSERT_TRUE(reaches_epoch(program, "killed", 2));
  for (const auto& [pid, rank] : processes()) {
    if (rank >= 0) ::kill(pid, SIGKILL);
  }
  EXPECT_NE(program.wait().exit_code, 0);
  ASSERT_TRUE(no_process_is_left());
  const std::string epochs = "train.epochs=" + std::to_string(epochs_of("killed") + 2);
  const std::string expected = hash(0, "whole", with({epochs}));
  EXPECT_EQ(hash(3, "killed", with({epochs, "cluster.node_size=1"}), {"--resume", "auto"}),
            expected);
  EXPECT_EQ(losses_of("killed"), losses_of("whole"));
}

/// Any item of a block is drawn: none may stay behind because it has no interactions here.
TEST_F(Ranking, RefusesSparseLeases) {
  const ProgramResult result = factorps(train("run", with({"cluster.lease=sparse"})));
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(result.err.find("cluster.lease = \"sparse\": expected \"dense\" or \"auto\", because "
                            "train.loss = \"softmax\""),
            std::string::npos)
      << result.err;
}

TEST_F(Ials, IsReportedAndCrossValidated) {
  const json summary = trained(0, "run", with());
  const ProgramResult reported = factorps({"report", directory_ / "run"});
  ASSERT_EQ(reported.exit_code, 0) << reported.err;
  const std::string page = read_text(directory_ / "run/report.html");
  EXPECT_NE(page.find("Ranking by the model"), std::string::npos);
  EXPECT_NE(page.find("<td>ndcg@5</td>"), std::string::npos);

  const auto config = directory_.write(
      "folds.toml",
      "[data]\nsource = ['ratings.train.csv']\n[model]\ndim = 16\n[train]\nsolver = 'ials'\n"
      "epochs = 2\nl2 = 0.02\n[evaluate]\nmetric = 'recall@5'\n[run]\ndir = 'folds'\n");
  const ProgramResult validated = factorps({"crossval", config, "--folds", "3", "--json"});
  ASSERT_EQ(validated.exit_code, 0) << validated.err;
  const json result = json::parse(validated.out);
  double sum = 0;
  for (const json& fold : result["folds"]) sum += fold["recall@5"].get<double>();
  EXPECT_NEAR(result["recall@5"]["mean"], sum / 3, 1e-12);
  EXPECT_GT(sum, 0);
}

TEST_F(Ials, RefusesSettingsOfOtherSolvers) {
  const auto error_of = [&](const std::string& setting) {
    const ProgramResult result = factorps(train("run", with({setting})));
    EXPECT_EQ(result.exit_code, 2) << setting;
    return result.err;
  };
  EXPECT_NE(error_of("model.biases=true").find("model.biases = true: expected false"),
            std::string::npos);
  EXPECT_NE(error_of("evaluate.metric=rmse").find("a ranking metric such as"), std::string::npos);
  EXPECT_NE(error_of("evaluate.metric=ndcg@0").find("a ranking metric such as"), std::string::npos);
  EXPECT_NE(error_of("cluster.wire=bf16").find("expected \"fp32\""), std::string::npos);
}

}  // namespace
}  // namespace factorps::test

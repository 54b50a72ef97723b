/// Models with layers, end to end: the same bits on every layout, a start from models that were
/// trained before, and every subcommand that reads them.
#include <cmath>
#include <map>
#include <sstream>

#include <gtest/gtest.h>

#include "tests/e2e/training_fixture.hpp"

namespace factorps::test {
namespace {

using nlohmann::json;

class Heads : public Training {
 protected:
  static Settings with(const std::string& kind, const Settings& more = {}) {
    Settings all{"model.kind=" + kind, "train.solver=rows",        "train.epochs=2", "model.dim=8",
                 "rows.batch=700",     "train.learning_rate=0.01", "rows.lanes=6"};
    if (kind == "mlp" || kind == "neumf") all.emplace_back("model.tower=[16, 12, 5]");
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  [[nodiscard]] std::string model(const std::string& run) const {
    return directory_ / run / "model.h5";
  }
  [[nodiscard]] std::string pretrained() const {
    return "model.pretrained=['" + model("gmf") + "', '" + model("mlp") + "']";
  }
  /// Predictions of the model of a run for all test pairs, [line].
  [[nodiscard]] std::vector<double> predictions(const std::string& run) const {
    const ProgramResult result = factorps({"predict", model(run), directory_ / "ratings.test.csv",
                                           "--json", "--set", "evaluate.clip=false"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    std::istringstream lines{result.out};
    std::vector<double> values;
    for (std::string line; std::getline(lines, line);)
      values.push_back(json::parse(line)["prediction"].get<double>());
    return values;
  }
  [[nodiscard]] json evaluated(const std::string& run, std::vector<std::string> options) const {
    std::vector<std::string> arguments{"evaluate", model(run), directory_ / "dataset.h5", "--json"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const ProgramResult result = factorps(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return json::parse(result.exit_code == 0 ? result.out : "{}");
  }
};

struct Layout {
  int ranks;
  const char* servers;
  const char* node_size;
};

TEST_F(Heads, ComputeTheSameBitsOnAnyLayoutAndAfterAStop) {
  for (const std::string kind : {"mlp", "neumf"}) {
    const Settings settings = with(kind, {"model.dropout=0.2", "train.loss=logistic",
                                          "evaluate.metric=ndcg@5", "evaluate.keep=last"});
    const auto on = [&](Settings more) {
      more.insert(more.begin(), settings.begin(), settings.end());
      return more;
    };
    const std::string expected = hash(0, "alone", on({"cluster.workers=1"}));
    EXPECT_EQ(hash(0, "alone", on({"cluster.workers=3"})), expected) << kind;
    for (const auto& [ranks, servers, node_size] :
         {Layout{4, "2", "0"}, Layout{5, "1", "2"}, Layout{6, "4", "3"}}) {
      EXPECT_EQ(hash(ranks, "job",
                     on({std::string{"cluster.servers="} + servers,
                         std::string{"cluster.node_size="} + node_size})),
                expected)
          << kind << " with " << ranks << " ranks, " << servers << " servers, nodes of "
          << node_size;
    }
    EXPECT_NE(hash(0, "half", on({"train.epochs=1"})), expected);
    EXPECT_EQ(hash(5, "half", on({"cluster.node_size=2"}), {"--resume", "auto"}), expected) << kind;
  }
}

TEST_F(Heads, StartFromAGmfAndAnMlp) {
  static_cast<void>(trained(0, "gmf", with("gmf")));
  static_cast<void>(trained(0, "mlp", with("mlp")));
  // Nothing moves, so the model is what the training starts with.
  const Settings still = with("neumf", {pretrained(), "model.pretrained_alpha=0.25",
                                        "rows.frozen=['users', 'items', 'dense']"});
  const std::string alone = hash(0, "neumf", still);
  EXPECT_EQ(hash(4, "spread",
                 [&] {
                   Settings more = still;
                   more.emplace_back("cluster.node_size=2");
                   return more;
                 }()),
            alone);
  const auto gmf = predictions("gmf");
  const auto mlp = predictions("mlp");
  const auto neumf = predictions("neumf");
  ASSERT_GT(neumf.size(), 100U);
  double apart = 0;
  for (std::size_t n = 0; n < neumf.size(); ++n) {
    // Scores below 8 of 26 terms, each rounded, in single precision and printed with 6 digits.
    ASSERT_NEAR(neumf[n], 0.25 * gmf[n] + 0.75 * mlp[n], 5e-5) << n;
    apart = std::max(apart, std::abs(gmf[n] - mlp[n]));
  }
  EXPECT_GT(apart, 0.1) << "or the shares would say nothing";
}

TEST_F(Heads, RefuseAStartThatDoesNotFit) {
  static_cast<void>(trained(0, "gmf", with("gmf", {"train.epochs=1"})));
  static_cast<void>(trained(0, "mlp", with("mlp", {"train.epochs=1"})));
  const auto error = [&](const Settings& settings) {
    const ProgramResult result = factorps(train("neumf", settings));
    EXPECT_EQ(result.exit_code, 3) << result.err;
    return result.err;
  };
  EXPECT_NE(error(with("neumf", {pretrained(), "model.dim=4"})).find("expected a gmf"),
            std::string::npos);
  EXPECT_NE(error(with("neumf", {pretrained(), "model.tower=[16, 4]"})).find("expected an mlp"),
            std::string::npos);
  static_cast<void>(trained(0, "gmf", with("mf", {"train.epochs=1"})));
  EXPECT_NE(error(with("neumf", {pretrained()})).find("has biases"), std::string::npos);
}

TEST_F(Heads, EvaluateFindsWhatTrainingMeasured) {
  for (const std::string kind : {"mlp", "neumf"}) {
    const json summary = trained(4, kind, with(kind, {"cluster.node_size=2"}));
    const json errors = evaluated(kind, {});
    // The same products in the same order, but of other batches: scores are equal.
    EXPECT_NEAR(summary["test"]["rmse"], errors["rmse"].get<double>(), 1e-6) << kind;
    EXPECT_LT(summary["test"]["rmse"], 1.2) << kind;
    const Settings ranking = with(kind, {"train.loss=logistic", "evaluate.metric=ndcg@5"});
    const json ranked = trained(0, kind, ranking);
    const json full = evaluated(kind, {"--at", "5"})["metrics"];
    for (const char* name : {"ndcg@5", "recall@5", "mrr@5"})
      EXPECT_NEAR(ranked["test"][name], full[name]["mean"].get<double>(), 1e-9) << kind << name;
    EXPECT_GT(ranked["test"]["ndcg@5"], 0);
    const json sampled = evaluated(
        kind, {"--at", "5", "--sampled", "20", "--write-candidates", directory_ / "candidates"});
    const json given = evaluated(kind, {"--at", "5", "--candidates", directory_ / "candidates"});
    EXPECT_EQ(sampled["metrics"]["ndcg@5(sampled:20)"], given["metrics"]["ndcg@5(given:20)"]);
  }
}

/// item -> score, from the lines of `recommend`.
std::map<std::string, double> listed(const std::string& jsonl) {
  std::map<std::string, double> items;
  std::istringstream lines{jsonl};
  for (std::string line; std::getline(lines, line);) {
    const json list = json::parse(line);
    for (const json& item : list["items"]) items[item["item"]] = item["score"];
  }
  return items;
}

TEST_F(Heads, ModelsAnswerAllQuestions) {
  static_cast<void>(trained(0, "neumf", with("neumf")));
  const std::string text = read_text(directory_ / "ratings.train.csv");
  std::istringstream lines{text};
  std::string line;
  std::getline(lines, line);
  std::getline(lines, line);
  const std::string user = line.substr(0, line.find(','));
  const std::string item =
      line.substr(user.size() + 1, line.find(',', user.size() + 1) - user.size() - 1);
  directory_.write("users", user + '\n');
  const auto recommend = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments{"recommend",          model("neumf"), "--users",
                                       directory_ / "users", "--count",      "5",
                                       "--format",           "jsonl"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProgramResult result = factorps(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return listed(result.out);
  };
  const auto best = recommend({});
  ASSERT_EQ(best.size(), 5U);
  std::string pairs = "user,item\n";
  for (const auto& [name, score] : best) pairs += user + ',' + name + '\n';
  directory_.write("pairs.csv", pairs);
  const ProgramResult predicted = factorps({"predict", model("neumf"), directory_ / "pairs.csv",
                                            "--json", "--set", "evaluate.clip=false"});
  std::istringstream predictions{predicted.out};
  for (const auto& [name, score] : best) {
    std::getline(predictions, line);
    EXPECT_EQ(json::parse(line)["prediction"], score) << name;
  }
  // Filters hold: without the best items others come, all worse.
  std::string without;
  for (const auto& [name, score] : best) without += name + '\n';
  directory_.write("without", without);
  for (const auto& [name, score] : recommend({"--without", directory_ / "without"})) {
    EXPECT_EQ(best.count(name), 0U);
    for (const auto& [better, least] : best) EXPECT_LE(score, least);
  }
  EXPECT_EQ(factorps({"similar", model("neumf"), item}).exit_code, 0);
  const ProgramResult why = factorps({"explain", model("neumf"), user, item});
  EXPECT_NE(why.out.find("approximation"), std::string::npos) << why.err;
  const json file = json::parse(factorps({"inspect", model("neumf"), "--json"}).out);
  EXPECT_EQ(file["model"], "neumf");
  EXPECT_EQ(file["version"], 2);
  EXPECT_EQ(file["layers"]["tower"], json({16, 12, 5}));
  EXPECT_EQ(factorps({"report", directory_ / "neumf"}).exit_code, 0);
}

/// A user's own history gives a row with about the trained one's scores.
TEST_F(Heads, NewUsersAreFoldedThroughTheLayers) {
  const auto evaluated = [&](const std::string& run, const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"evaluate", model(run), directory_ / "dataset.h5", "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProgramResult result = factorps(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return json::parse(result.out);
  };
  static_cast<void>(trained(0, "mlp", with("mlp", {"train.epochs=8"})));
  const double rmse = evaluated("mlp", {})["rmse"];
  // Values have a noise of 0.5; the folded row fits 60 of them exactly as well as its layers allow.
  EXPECT_NEAR(evaluated("mlp", {"--fold-in"})["rmse"], rmse, 0.1);
  static_cast<void>(trained(0, "neumf",
                            with("neumf", {"train.epochs=8", "train.loss=logistic", "train.l2=1e-4",
                                           "evaluate.metric=ndcg@20"})));
  const auto ndcg = [&](std::vector<std::string> more) {
    more.insert(more.end(), {"--at", "20"});
    return evaluated("neumf", more)["metrics"]["ndcg@20"]["mean"].get<double>();
  };
  // The folded row sees all negatives where training drew some, and starts elsewhere; the standard
  // error over the users is 3 % of the mean.
  const double trained_ndcg = ndcg({});
  EXPECT_NEAR(ndcg({"--fold-in"}), trained_ndcg, 0.05 * trained_ndcg);
  const ProgramResult history = factorps({"recommend", model("neumf"), "--history",
                                          directory_ / "ratings.test.csv", "--format", "jsonl"});
  ASSERT_EQ(history.exit_code, 0) << history.err;
  std::istringstream lists{history.out};
  std::string line;
  ASSERT_TRUE(std::getline(lists, line));
  EXPECT_EQ(json::parse(line)["basis"], "fold-in");
}

}  // namespace
}  // namespace factorps::test

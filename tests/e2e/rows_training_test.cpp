/// Row mode, end to end: the same bits on every layout with bsp, before and after an interruption;
/// models that evaluate reads like any other; what ssp and asp promise.
#include <algorithm>
#include <csignal>
#include <span>
#include <sstream>

#include <gtest/gtest.h>

#include "io/model_file.hpp"
#include "tests/e2e/training_fixture.hpp"

namespace factorps::test {
namespace {

using nlohmann::json;

class Rows : public Training {
 protected:
  static Settings with(Settings more = {}) {
    Settings all{"train.solver=rows", "train.epochs=3", "train.learning_rate=0.01",
                 "rows.batch=500", "rows.lanes=6"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  [[nodiscard]] std::string log_of(const std::string& run) const {
    return read_text(directory_ / run / "log.txt");
  }
  /// Of metrics.jsonl.
  [[nodiscard]] json last_line_of(const std::string& run) const {
    std::istringstream lines{read_text(directory_ / run / "metrics.jsonl")};
    std::string line;
    for (std::string next; std::getline(lines, next);) line = next;
    return json::parse(line);
  }
  /// A user of the training set.
  [[nodiscard]] int ratings_user() const {
    std::istringstream lines{read_text(directory_ / "ratings.train.csv")};
    std::string line;
    for (int n = 0; n < 2; ++n) std::getline(lines, line);
    return std::stoi(line);
  }
};

TEST_F(Rows, ComputeTheSameBitsOnAnyLayout) {
  struct Layout {
    int ranks;
    const char* servers;
    const char* node_size;
  };
  for (const std::string kind : {"mf", "gmf"}) {
    const std::string key = "model.kind=" + kind;
    const std::string expected = hash(0, "alone", with({key, "cluster.workers=1"}));
    EXPECT_EQ(hash(0, "alone", with({key, "cluster.workers=2"})), expected);
    EXPECT_EQ(hash(0, "alone", with({key, "cluster.workers=9"})), expected);
    for (const auto& [ranks, servers, node_size] :
         {Layout{1, "1", "0"}, Layout{4, "2", "0"}, Layout{5, "3", "0"}, Layout{2, "1", "1"},
          Layout{4, "1", "2"}, Layout{5, "1", "2"}, Layout{6, "4", "3"}, Layout{6, "1", "3"}}) {
      EXPECT_EQ(hash(ranks, "job",
                     with({key, std::string{"cluster.servers="} + servers,
                           std::string{"cluster.node_size="} + node_size})),
                expected)
          << ranks << " ranks, " << servers << " servers, nodes of " << node_size;
    }
  }
}

TEST_F(Rows, OptimizersGoOnWhereTheyWereStoppedOnAnotherLayout) {
  for (const std::string name : {"adam", "ftrl", "adagrad", "momentum", "adagrad_row", "sgd"}) {
    const Settings optimizer =
        with({"rows.optimizer=" + name, "model.kind=mf-linear", "evaluate.keep=last"});
    Settings more = optimizer;
    more.emplace_back("train.epochs=5");
    const std::string expected = hash(0, "whole-" + name, more);
    EXPECT_NE(hash(0, "half-" + name, optimizer), expected);
    more.emplace_back("cluster.node_size=2");
    more.emplace_back("cluster.servers=3");
    EXPECT_EQ(hash(6, "half-" + name, more, {"--resume", "auto"}), expected) << name;
  }
}

TEST_F(Rows, GoOnAfterAKill) {
  Program program{command_of(3, train("killed", with({"train.epochs=1000000"})))};
  ASSERT_TRUE(reaches_epoch(program, "killed", 2));
  for (const auto& [pid, rank] : processes()) {
    if (rank == 1) kill(pid, SIGKILL);
  }
  EXPECT_NE(program.wait().exit_code, 0);
  EXPECT_TRUE(no_process_is_left());
  const std::string epochs = "train.epochs=" + std::to_string(epochs_of("killed") + 2);
  EXPECT_EQ(hash(4, "killed", with({epochs, "cluster.node_size=2"}), {"--resume", "auto"}),
            hash(0, "whole", with({epochs})));
}

/// Checkpoints by time come within epochs; the first one as soon as there is a step to save.
TEST_F(Rows, GoOnWithinAnEpochAfterAKill) {
  const Settings settings = with({"rows.batch=50", "rows.optimizer=adam"});
  const std::string expected = hash(0, "whole", settings);
  struct Start {
    int ranks;
    Settings more;
  };
  const std::vector<Start> starts{{0, {"cluster.workers=3"}},
                                  {4, {"cluster.node_size=2"}},
                                  {6, {"cluster.node_size=3", "cluster.servers=3"}}};
  for (std::size_t n = 0; n < starts.size(); ++n) {
    const std::string run = "killed" + std::to_string(n);
    Settings all = settings;
    all.insert(all.end(), starts[n].more.begin(), starts[n].more.end());
    all.emplace_back("checkpoint.every_epochs=0");
    all.emplace_back("checkpoint.every_minutes=0.000001");
    const ProgramResult killed =
        run_program(command_of(starts[n].ranks, train(run, all)),
                    {{}, {"FACTORPS_FAULTS=kill rank=0 checkpoint=prune"}});
    EXPECT_NE(killed.exit_code, 0);
    EXPECT_TRUE(no_process_is_left());
    const Start& other = starts[(n + 1) % starts.size()];
    Settings rest = settings;
    rest.insert(rest.end(), other.more.begin(), other.more.end());
    EXPECT_EQ(hash(other.ranks, run, rest, {"--resume", "auto"}), expected) << n;
    EXPECT_NE(log_of(run).find("resumed after epoch 0 and "), std::string::npos) << log_of(run);
  }
}

TEST_F(Rows, StopWithinAnEpochWhenSignalled) {
  const Settings settings = with({"rows.batch=20", "evaluate.keep=last"});
  for (const int ranks : {0, 4}) {
    std::string run;
    bool within = false;
    for (int tries = 0; tries < 20 && !within; ++tries) {  // now and then it is between two
      run = "stopped" + std::to_string(ranks) + '-' + std::to_string(tries);
      Settings forever = settings;
      forever.insert(forever.end(),
                     {"train.epochs=1000000", "cluster.node_size=2", "checkpoint.every_epochs=0"});
      Program program{command_of(ranks, train(run, forever))};
      ASSERT_TRUE(reaches_epoch(program, run, 1));
      program.signal(SIGUSR1);
      const ProgramResult result = program.wait();
      ASSERT_EQ(result.exit_code, 75) << result.err;
      within = log_of(run).find(" steps; continue with --resume auto") != std::string::npos;
    }
    EXPECT_TRUE(within);
    Settings more = settings;
    more.push_back("train.epochs=" + std::to_string(epochs_of(run) + 2));
    EXPECT_EQ(hash(4 - ranks, run, more, {"--resume", "auto"}), hash(0, "whole", more));
  }
}

TEST_F(Rows, EvaluateFindsWhatTrainingMeasured) {
  for (const std::string kind : {"mf", "mf-linear"}) {
    const json summary = trained(4, "run", with({"model.kind=" + kind, "cluster.node_size=2"}));
    const ProgramResult evaluated =
        factorps({"evaluate", directory_ / "run/model.h5", directory_ / "dataset.h5", "--json"});
    ASSERT_EQ(evaluated.exit_code, 0) << evaluated.err;
    // Predictions are sums of 32 floats in another order: each errs by less than 32 x 2^-24 of
    // scores below 10.
    EXPECT_NEAR(summary["test"]["rmse"], json::parse(evaluated.out)["rmse"].get<double>(), 2e-5)
        << kind;
    EXPECT_LT(summary["test"]["rmse"], 1.2) << kind;
  }
}

TEST_F(Rows, RanksWithTheSameBitsOnAnyLayoutAndAsEvaluateDoes) {
  const Settings ranking = with({"train.loss=logistic", "model.kind=gmf", "evaluate.metric=ndcg@5",
                                 "evaluate.keep=last", "cluster.workers=1"});
  const json alone = trained(0, "alone", ranking);
  Settings nodes = ranking;
  nodes.emplace_back("cluster.node_size=2");
  const json spread = trained(5, "spread", nodes);
  EXPECT_EQ(spread["model_sha256"], alone["model_sha256"]);
  EXPECT_EQ(spread["test"], alone["test"]);
  // Negatives are no interactions.
  const json line = last_line_of("spread");
  std::uint64_t trained = 0;
  for (const json& worker : line["workers"]) trained += worker["interactions"].get<std::uint64_t>();
  EXPECT_EQ(trained, line["interactions"]);
  EXPECT_EQ(spread["validation"], alone["validation"]);
  const ProgramResult evaluated = factorps({"evaluate", directory_ / "spread/model.h5",
                                            directory_ / "dataset.h5", "--at", "5", "--json"});
  ASSERT_EQ(evaluated.exit_code, 0) << evaluated.err;
  const json metrics = json::parse(evaluated.out)["metrics"];
  // Scores are rounded in another order, so two items with almost the same score may change places
  // for a user: a hundredth of the mean of 300 users allows for a few of them.
  for (const char* name : {"ndcg@5", "recall@5", "mrr@5"}) {
    EXPECT_NEAR(spread["test"][name], metrics[name]["mean"].get<double>(), 0.01) << name;
  }
  EXPECT_GT(spread["test"]["ndcg@5"], 0);
}

TEST_F(Rows, OneWorkerComputesTheSameBitsUnderEveryPolicy) {
  const std::string expected = hash(0, "run", with({"cluster.workers=1"}));
  EXPECT_EQ(hash(0, "run", with({"cluster.workers=1", "rows.consistency=asp"})), expected);
  EXPECT_EQ(hash(0, "run", with({"cluster.workers=1", "rows.consistency=ssp"})), expected);
}

TEST_F(Rows, ManyWorkersLearnUnderEveryPolicy) {
  for (const std::string policy : {"ssp", "asp"}) {
    const json summary =
        trained(5, "run-" + policy, with({"rows.consistency=" + policy, "cluster.node_size=3"}));
    EXPECT_LT(summary["test"]["rmse"], 1.2) << policy;
    const std::string metrics = read_text(directory_ / ("run-" + policy) / "metrics.jsonl");
    const json rows = json::parse(metrics.substr(0, metrics.find('\n')))["rows"];
    EXPECT_GT(rows["pulled_away"], 0);
    EXPECT_GT(rows["pushed_away"], 0);
    std::size_t pulls = 0;
    for (const std::size_t n : rows["staleness"]) pulls += n;
    EXPECT_EQ(pulls % 3, 0U) << "as many for each of three workers";
    if (policy == "ssp") {
      for (std::size_t s = 2; s < 8; ++s) EXPECT_EQ(rows["staleness"][s], 0) << "more than allowed";
    }
  }
}

/// Negatives, several lanes of a worker, lanes that reach beyond their node, a frozen table.
TEST_F(Rows, PlanForetellsTheBytesBetweenNodes) {
  for (const Settings& more :
       {Settings{}, Settings{"train.loss=logistic", "model.kind=gmf", "evaluate.metric=ndcg@5"},
        Settings{"rows.lanes=5", "rows.batch=100", "rows.frozen=users"}}) {
    for (const char* nodes : {"cluster.node_size=2", "cluster.node_size=3"}) {
      Settings settings = with(more);
      settings.emplace_back(nodes);
      static_cast<void>(trained(6, "run", settings));
      const ProgramResult result = factorps({"inspect", directory_ / "run", "--json"});
      ASSERT_EQ(result.exit_code, 0) << result.err;
      const json bytes = json::parse(result.out)["prediction"]["bytes_per_epoch"];
      EXPECT_GT(bytes["measured"], 100'000);
      // Some thousand rows cross, each by a chance of its own: below 2 % of them. Real users are in
      // one strip each, which is not counted: as much again.
      EXPECT_NEAR(bytes["ratio"].get<double>(), 1, 0.04) << bytes.dump();
    }
  }
}

/// Every fifth id of a table whose row has training data, one per line.
std::string some_ids(const IdTable& ids, std::span<const std::uint32_t> counts) {
  std::string text;
  for (std::uint64_t row = 0; row < ids.size(); row += 5) {
    if (counts[row] > 0) text += ids.text(row) + '\n';
  }
  return text;
}

/// Rows with training data must be as they were if and only if their ids are in the text.
void expect_frozen(const std::string& text, const IdTable& ids,
                   std::span<const std::uint32_t> counts, std::span<const float> before,
                   std::span<const float> after) {
  const std::size_t dim = before.size() / ids.size();
  std::size_t frozen = 0;
  for (std::uint64_t row = 0; row < ids.size(); ++row) {
    if (counts[row] == 0) continue;
    const bool listed = ('\n' + text).find('\n' + ids.text(row) + '\n') != std::string::npos;
    const bool same =
        std::ranges::equal(before.subspan(row * dim, dim), after.subspan(row * dim, dim));
    EXPECT_EQ(same, listed) << ids.text(row);
    frozen += listed ? 1 : 0;
  }
  EXPECT_GT(frozen, 20U);
}

TEST_F(Rows, FrozenIdsKeepTheirBitsAndOthersDoNot) {
  static_cast<void>(trained(0, "initial", with({"rows.frozen=['users', 'items']"})));
  const Model initial{directory_ / "initial/model.h5"};
  const std::string users = some_ids(initial.user_ids(), initial.user_counts());
  const std::string items = some_ids(initial.item_ids(), initial.item_counts());
  const Settings frozen =
      with({"rows.frozen_users=" + directory_.write("users.txt", users).string(),
            "rows.frozen_items=" + directory_.write("items.txt", items).string(),
            "rows.optimizer=momentum", "train.l2=0.01", "evaluate.keep=last"});
  const std::string expected = hash(0, "alone", frozen);
  Settings nodes = frozen;
  nodes.emplace_back("cluster.node_size=3");
  EXPECT_EQ(hash(6, "nodes", nodes), expected);
  const Model model{directory_ / "nodes/model.h5"};
  expect_frozen(users, initial.user_ids(), initial.user_counts(), initial.user_factors(),
                model.user_factors());
  expect_frozen(users, initial.user_ids(), initial.user_counts(), initial.user_bias(),
                model.user_bias());
  expect_frozen(items, initial.item_ids(), initial.item_counts(), initial.item_factors(),
                model.item_factors());

  // A run goes on with the list that it began with, wherever that lies; with no other.
  Settings more = frozen;
  more.emplace_back("train.epochs=4");
  more.push_back("rows.frozen_users=" + directory_.write("moved.txt", users).string());
  EXPECT_NE(hash(0, "alone", more, {"--resume", "auto"}), expected);
  directory_.write("moved.txt", users.substr(users.find('\n') + 1));
  const ProgramResult other = factorps(train("alone", more, {"--resume", "auto"}));
  EXPECT_NE(other.exit_code, 0);
  EXPECT_NE(other.err.find("rows.frozen_users"), std::string::npos) << other.err;
}

TEST_F(Rows, AFrozenIdThatNobodyHasIsNamed) {
  const auto refused = [&](const std::string& setting, int exit_code, const std::string& message) {
    const ProgramResult result = factorps(train("run", with({setting})));
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    EXPECT_NE(result.err.find(message), std::string::npos) << result.err;
  };
  const std::string known = std::to_string(ratings_user());
  const std::string file = directory_.write("ids.txt", known + "\nnobody\n");
  refused("rows.frozen_users=" + file, 3,
          file + ":2: user 'nobody', expected one that " + (directory_ / "dataset.h5").string() +
              " has (rows.frozen_users)");
  refused("rows.frozen_items=" + (directory_ / "none.txt").string(), 2,
          "none.txt\", expected a file that can be read");
  refused("rows.frozen_attributes=['items.kind']", 2, "rows.frozen_attributes");
  refused("rows.frozen=['features']", 2, "rows.frozen");
}

TEST_F(Rows, ShowWhatCrossedAndWhichRowsAreHot) {
  Settings settings = with({"cluster.node_size=3"});
  const json summary = trained(6, "run", settings);
  const json& rows = summary["rows"];
  EXPECT_GT(rows["cache_hits"], 0);
  EXPECT_GT(rows["combined_on_node"], 0);
  const json& hot = rows["hot"];
  ASSERT_EQ(hot.size(), 8U);
  const Model model{directory_ / "run/model.h5"};
  const json last = last_line_of("run")["rows"];
  double shares = 0;
  for (std::size_t n = 0; n < hot.size(); ++n) {
    if (hot[n]["table"] == "users") {
      EXPECT_FALSE(hot[n].contains("id")) << "no summary names users";
    } else {
      EXPECT_EQ(hot[n]["id"], model.item_ids().text(hot[n]["row"].get<std::uint64_t>()));
    }
    EXPECT_EQ(hot[n]["pushes"], last["hot"][n]["pushes"]);
    if (n > 0) {
      EXPECT_LE(hot[n]["pushes"], hot[n - 1]["pushes"]);
    }
    shares += hot[n]["share"].get<double>();
  }
  const double pushes = last["pushed_here"].get<double>() + last["pushed_away"].get<double>();
  EXPECT_NEAR(hot[0]["share"].get<double>() * pushes, hot[0]["pushes"].get<double>(), 1e-6);
  EXPECT_LT(shares, 1);
  settings.emplace_back("run.store_ids=none");
  const json without_ids = trained(0, "private", settings);
  for (const json& row : without_ids["rows"]["hot"]) {
    EXPECT_FALSE(row.contains("id"));
  }
  std::vector<std::string> arguments = train("shown", with({"rows.consistency=ssp"}));
  std::erase(arguments, "--json");
  const ProgramResult shown = run_program(command_of(6, arguments));
  EXPECT_NE(shown.out.find("  rows        pulled "), std::string::npos) << shown.out;
  EXPECT_NE(shown.out.find("  staleness   0 steps "), std::string::npos) << shown.out;
  EXPECT_NE(shown.out.find("  hot rows    item "), std::string::npos) << shown.out;
}

TEST_F(Rows, ADivergingTrainingSaysWhere) {
  const ProgramResult result =
      factorps(train("run", with({"rows.optimizer=sgd", "train.learning_rate=1e6"})));
  EXPECT_EQ(result.exit_code, 3) << result.err;
  EXPECT_NE(result.err.find("the training diverged"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("of the table "), std::string::npos) << result.err;
}

}  // namespace
}  // namespace factorps::test

/// Factorization machines, end to end: the same bits on every layout, and scores for users and
/// items that nobody has trained on, by what is known of them.
#include <cmath>
#include <map>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "io/model_file.hpp"
#include "tests/e2e/training_fixture.hpp"

namespace factorps::test {
namespace {

using nlohmann::json;

/// What everybody knows of an item or a user, by its number.
std::string items_line(int item) {
  return std::to_string(item) + ",kind" + std::to_string(item % 4) + ",t" +
         std::to_string(item % 3) + "|t" + std::to_string(item % 5) + ',' +
         std::to_string(item % 7) + '\n';
}
std::string users_line(int user) {
  return std::to_string(user) + ",club" + std::to_string(user % 6) + '\n';
}

class FactorizationMachines : public Training {
 protected:
  static constexpr int kNewItem = 9004;  // of kind 0, as kTwin
  static constexpr int kTwin = 9424;     // 420 more: like it in everything
  static constexpr int kOther = 9005;
  static constexpr int kNewUser = 9003;

  /// The dataset once more, with attributes; new items and a new user are in the test set alone.
  void SetUp() override {
    Training::SetUp();
    std::set<int> users{kNewUser};
    std::set<int> items{kNewItem, kTwin, kOther, kOther + 420};
    std::istringstream lines{read_text(directory_ / "ratings.train.csv") +
                             read_text(directory_ / "ratings.test.csv")};
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("user")) continue;
      const std::size_t comma = line.find(',');
      users.insert(std::stoi(line));
      items.insert(std::stoi(line.substr(comma + 1)));
      if (some_user_ == 0) some_user_ = std::stoi(line);
    }
    std::string text = "item,kind,tags,price\n";
    for (const int item : items) text += items_line(item);
    directory_.write("items.csv", text);
    text = "user,club\n";
    for (const int user : users) text += users_line(user);
    directory_.write("users.csv", text);
    const std::string of_user = std::to_string(some_user_) + ',';
    directory_.write("ratings.test.csv", read_text(directory_ / "ratings.test.csv") + of_user +
                                             std::to_string(kNewItem) + ",3\n" + of_user +
                                             std::to_string(kOther) + ",3\n" +
                                             std::to_string(kNewUser) + ',' +
                                             std::to_string(kNewItem) + ",4\n");
    directory_.write("run.toml",
                     read_text(config_) +
                         "[attributes.items]\nsource = ['items.csv']\ncategories = ['kind']\n"
                         "tags = ['tags']\nnumbers = ['price']\n"
                         "[attributes.users]\nsource = ['users.csv']\ncategories = ['club']\n");
    const ProgramResult prepared = factorps({"prepare", config_});
    ASSERT_EQ(prepared.exit_code, 0) << prepared.err;
  }
  static Settings with(const Settings& more = {}) {
    Settings all{"model.kind=fm",
                 "train.solver=rows",
                 "train.epochs=2",
                 "model.dim=8",
                 "rows.batch=700",
                 "train.learning_rate=0.01",
                 "rows.lanes=6",
                 "model.item_attributes=['tags', 'kind', 'price']",
                 "model.user_attributes=['club']"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  [[nodiscard]] std::string model(const std::string& run) const {
    return directory_ / run / "model.h5";
  }
  /// Predictions for pairs, not clipped.
  [[nodiscard]] std::vector<double> predictions(const std::string& run,
                                                const std::vector<std::pair<int, int>>& pairs) {
    std::string text = "user,item\n";
    for (const auto& [user, item] : pairs)
      text += std::to_string(user) + ',' + std::to_string(item) + '\n';
    directory_.write("pairs.csv", text);
    const ProgramResult result = factorps({"predict", model(run), directory_ / "pairs.csv",
                                           "--json", "--set", "evaluate.clip=false"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    std::istringstream lines{result.out};
    std::vector<double> values;
    for (std::string line; std::getline(lines, line);)
      values.push_back(json::parse(line)["prediction"].get<double>());
    values.resize(pairs.size());
    return values;
  }

  void expect_equal_bits(const Settings& settings) {
    struct Layout {
      int ranks;
      const char* servers;
      const char* node_size;
    };
    const auto on = [&](Settings more) {
      more.insert(more.begin(), settings.begin(), settings.end());
      more.emplace_back("evaluate.keep=last");
      return more;
    };
    const std::string expected = hash(0, "alone", on({"cluster.workers=1"}));
    EXPECT_EQ(hash(0, "alone", on({"cluster.workers=3"})), expected);
    for (const auto& [ranks, servers, node_size] :
         {Layout{4, "2", "0"}, Layout{5, "1", "2"}, Layout{6, "4", "3"}}) {
      EXPECT_EQ(hash(ranks, "job",
                     on({std::string{"cluster.servers="} + servers,
                         std::string{"cluster.node_size="} + node_size})),
                expected)
          << ranks << " ranks, nodes of " << node_size;
    }
    EXPECT_NE(hash(0, "half", on({"train.epochs=1"})), expected);
    EXPECT_EQ(hash(5, "half", on({"cluster.node_size=2"}), {"--resume", "auto"}), expected);
  }
  /// Of an evaluation by a training and by its model.
  void expect_equal_errors(const Settings& settings) {
    const json summary = trained(4, "run", settings);
    const ProgramResult errors =
        factorps({"evaluate", model("run"), directory_ / "dataset.h5", "--json"});
    ASSERT_EQ(errors.exit_code, 0) << errors.err;
    // Sums of 8 products in another order, of scores below 10.
    EXPECT_NEAR(summary["test"]["rmse"], json::parse(errors.out)["rmse"].get<double>(), 2e-5);
    EXPECT_LT(summary["test"]["rmse"], 1.2);
  }
  json expect_equal_rankings(const Settings& settings) {
    const json ranked = trained(0, "ranked", settings);
    const ProgramResult full = factorps({"evaluate", model("ranked"), directory_ / "dataset.h5",
                                         "--at", "5", "--segments", "--json"});
    EXPECT_EQ(full.exit_code, 0) << full.err;
    json result = json::parse(full.out);
    // Two items with almost the same score may change places for a user: a hundredth allows for a
    // few.
    EXPECT_NEAR(ranked["test"]["ndcg@5"], result["metrics"]["ndcg@5"]["mean"].get<double>(), 0.01);
    return result;
  }

  int some_user_ = 0;
};

TEST_F(FactorizationMachines, ComputeTheSameBitsOnAnyLayoutAndAfterAStop) {
  expect_equal_bits(with({"train.loss=squared"}));
  expect_equal_bits(with({"train.loss=bpr", "evaluate.metric=ndcg@5", "rows.negatives=2"}));
}

TEST_F(FactorizationMachines, EvaluateFindsWhatTrainingMeasured) {
  expect_equal_errors(with({"cluster.node_size=2"}));
  const json result =
      expect_equal_rankings(with({"train.loss=logistic", "evaluate.metric=ndcg@5"}));
  EXPECT_EQ(result["segments"]["items:cold"]["items"], 2) << result["segments"].dump();
}

TEST_F(FactorizationMachines, AttributesSpeakForWhomNobodyTrainedOn) {
  static_cast<void>(trained(0, "run", with()));
  const auto values = predictions("run", {{some_user_, kNewItem},
                                          {some_user_, kOther},
                                          {some_user_, 1234567},
                                          {kNewUser, kNewItem},
                                          {7654321, kNewItem}});
  EXPECT_NE(values[0], values[1]) << "their attributes differ";
  EXPECT_NE(values[0], values[2]) << "nothing is known of the other";
  EXPECT_NE(values[3], values[4]) << "a club is better than nothing";
  directory_.write("users", std::to_string(kNewUser) + '\n');
  const ProgramResult lists = factorps({"recommend", model("run"), "--users", directory_ / "users",
                                        "--format", "jsonl", "--count", "3"});
  ASSERT_EQ(lists.exit_code, 0) << lists.err;
  const json list = json::parse(lists.out);
  EXPECT_EQ(list["basis"], "attributes");
  EXPECT_EQ(list["items"].size(), 3U);
}

TEST_F(FactorizationMachines, OtherDatasetsBringNewItemsWithTheirAttributes) {
  static_cast<void>(trained(0, "run", with()));
  const std::string train = read_text(directory_ / "ratings.train.csv");
  const auto rmse = [&](int item) {
    const std::string name = "other" + std::to_string(item);
    directory_.write("ratings.train.csv",
                     train.substr(0, 4000).substr(0, train.rfind('\n', 4000)) + '\n');
    directory_.write("ratings.test.csv", "user,item,rating\n" + std::to_string(some_user_) + ',' +
                                             std::to_string(item) + ",1.5\n" +
                                             std::to_string(kNewUser + 6) + ',' +
                                             std::to_string(item) + ",1.5\n");
    std::string users = read_text(directory_ / "users.csv");
    if (users.find(users_line(kNewUser + 6)) == std::string::npos)
      directory_.write("users.csv", users + users_line(kNewUser + 6));
    const std::string dataset = directory_ / (name + ".h5");
    const ProgramResult prepared =
        factorps({"prepare", config_, "--set", "data.dataset=" + dataset});
    EXPECT_EQ(prepared.exit_code, 0) << prepared.err;
    const ProgramResult evaluated = factorps({"evaluate", model("run"), dataset, "--json"});
    EXPECT_EQ(evaluated.exit_code, 0) << evaluated.err;
    const ProgramResult ranked = factorps({"evaluate", model("run"), dataset, "--at", "5"});
    EXPECT_EQ(ranked.exit_code, 0) << ranked.err;
    return json::parse(evaluated.out)["rmse_unclipped"].get<double>();
  };
  const double known = rmse(kNewItem);
  // The model has never heard of the twin. Sums of its features in single precision may be
  // rounded in another order.
  EXPECT_NEAR(rmse(kTwin), known, 1e-5);
  EXPECT_GT(std::abs(rmse(kOther + 420) - known), 1e-4);
}

TEST_F(FactorizationMachines, AttributesMustBeThereAndStayAsTheyWere) {
  const ProgramResult unknown = factorps(train("run", with({"model.user_attributes=['shoe']"})));
  EXPECT_EQ(unknown.exit_code, 2) << unknown.err;
  EXPECT_NE(unknown.err.find("\"shoe\" is none of"), std::string::npos) << unknown.err;
  EXPECT_NE(unknown.err.find("club"), std::string::npos) << unknown.err;
  static_cast<void>(trained(0, "run", with()));
  std::string items = read_text(directory_ / "items.csv");
  items.replace(items.find("kind1"), 5, "kind2");
  directory_.write("items.csv", items);
  ASSERT_EQ(factorps({"prepare", config_}).exit_code, 0);
  const ProgramResult resumed =
      factorps(train("run", with({"train.epochs=3"}), {"--resume", "auto"}));
  EXPECT_NE(resumed.exit_code, 0);
  EXPECT_NE(resumed.err.find("attributes = "), std::string::npos) << resumed.err;
}

TEST_F(FactorizationMachines, FrozenValuesOfAttributesStayAsTheyAre) {
  const auto features = [&](const std::string& run, const Settings& settings) {
    static_cast<void>(trained(5, run, with(settings)));
    return Model{model(run)}.info().features.value().items;
  };
  const auto initial = features("initial", {"rows.frozen=['features']", "cluster.node_size=3"});
  const auto trained = features(
      "run", {"rows.frozen_attributes=['items.tags', 'items.kind=kind1']", "cluster.node_size=3"});
  const std::size_t width = 9;  // a linear weight and dim
  for (std::size_t a = 0; a < initial.size(); ++a) {
    for (std::size_t n = 0; n < initial[a].size(); ++n) {
      const bool kind1 = initial[a].name == "kind" && initial[a].values[n] == "kind1";
      const auto first = static_cast<std::ptrdiff_t>(n * width);
      EXPECT_EQ(std::equal(initial[a].rows.begin() + first, initial[a].rows.begin() + first + width,
                           trained[a].rows.begin() + first),
                initial[a].name == "tags" || kind1)
          << initial[a].name << ' ' << n;
    }
  }
  const ProgramResult unknown =
      factorps(train("other", with({"rows.frozen_attributes=['items.kind=kind9']"})));
  EXPECT_EQ(unknown.exit_code, 2) << unknown.err;
  EXPECT_NE(unknown.err.find("\"items.kind=kind9\", expected"), std::string::npos) << unknown.err;
}

/// Ratings of the first three days of the week are higher, of the others lower.
class FactorizationMachinesInMoments : public FactorizationMachines {
 protected:
  static constexpr std::int64_t kDay = 86400;
  static constexpr std::int64_t kMonday = 1704067200;  // 2024-01-01

  void SetUp() override {
    FactorizationMachines::SetUp();
    for (const char* name : {"ratings.train.csv", "ratings.test.csv"}) {
      std::istringstream lines{read_text(directory_ / name)};
      std::string text = "user,item,rating,time\n";
      std::string line;
      std::getline(lines, line);
      for (int n = 0; std::getline(lines, line); ++n) {
        const std::size_t comma = line.rfind(',');
        const int day = n % 70;
        const double rating = std::stod(line.substr(comma + 1)) + (day % 7 < 3 ? 1.0 : -1.0);
        text += line.substr(0, comma + 1) + std::to_string(rating) + ',' +
                std::to_string(kMonday + day * kDay + n % 86000) + '\n';
      }
      directory_.write(name, text);
    }
    const ProgramResult prepared = factorps({"prepare", config_, "--set", "data.store_times=true"});
    ASSERT_EQ(prepared.exit_code, 0) << prepared.err;
  }
  static Settings in_moments(const Settings& more = {}) {
    Settings all =
        with({"model.context=['weekday', 'hour']", "model.history=true", "model.history_items=7"});
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  [[nodiscard]] json list_at(const std::string& time) {
    directory_.write("users", std::to_string(some_user_) + '\n');
    std::vector<std::string> arguments{"recommend", model("run"), "--users", directory_ / "users",
                                       "--format",  "jsonl",      "--count", "5"};
    if (!time.empty()) arguments.insert(arguments.end(), {"--time", time});
    const ProgramResult lists = factorps(arguments);
    EXPECT_EQ(lists.exit_code, 0) << lists.err;
    EXPECT_EQ(lists.err.find("the latest moment of the training") != std::string::npos,
              time.empty())
        << lists.err;
    return json::parse(lists.out);
  }
};

TEST_F(FactorizationMachinesInMoments, ComputeTheSameBitsOnAnyLayoutAndAfterAStop) {
  expect_equal_bits(in_moments({"train.loss=squared"}));
  expect_equal_bits(in_moments({"train.loss=bpr", "evaluate.metric=ndcg@5", "rows.negatives=2"}));
}

TEST_F(FactorizationMachinesInMoments, EvaluateFindsWhatTrainingMeasured) {
  expect_equal_errors(in_moments({"cluster.node_size=2"}));
  static_cast<void>(
      expect_equal_rankings(in_moments({"train.loss=logistic", "evaluate.metric=ndcg@5"})));
}

/// One epoch of 27 steps is counted whole: but for headers nothing is left to chance.
TEST_F(FactorizationMachinesInMoments, PlanCountsTheBytesBetweenNodes) {
  for (const Settings& more : {Settings{}, Settings{"train.loss=bpr", "evaluate.metric=ndcg@5"},
                               Settings{"rows.consistency=ssp", "rows.lanes=5"}}) {
    Settings settings = in_moments(more);
    settings.insert(settings.end(), {"train.epochs=1", "cluster.node_size=2"});
    static_cast<void>(trained(6, "run", settings));
    const ProgramResult result = factorps({"inspect", directory_ / "run", "--json"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const json bytes = json::parse(result.out)["prediction"]["bytes_per_epoch"];
    EXPECT_GT(bytes["measured"], 100'000);
    // A message of 60 KiB has a header of 40 bytes and at most 6 more of 16 for its sections.
    EXPECT_NEAR(bytes["ratio"].get<double>(), 1, 0.003) << bytes.dump();
  }
}

TEST_F(FactorizationMachinesInMoments, LearnWhatDependsOnTheDay) {
  const double without = trained(0, "plain", with({"train.epochs=4"}))["test"]["rmse"];
  const double weekday =
      trained(0, "days", with({"train.epochs=4", "model.context=['weekday']"}))["test"]["rmse"];
  // The days spread ratings by about 1, whose square a model without them cannot explain.
  EXPECT_LT(weekday * weekday, without * without - 0.5);
}

TEST_F(FactorizationMachinesInMoments, FrozenTablesStayAsTheyAre) {
  const auto hours_after = [&](const char* epochs, Settings settings) {
    settings.insert(settings.begin(), epochs);
    static_cast<void>(trained(5, "run", in_moments(settings), {"--overwrite"}));
    return Model{model("run")}.info().features.value().context.at(1).rows;
  };
  const Settings frozen{"rows.frozen=['context', 'history']", "cluster.node_size=3"};
  EXPECT_EQ(hours_after("train.epochs=1", frozen), hours_after("train.epochs=2", frozen));
  EXPECT_NE(hours_after("train.epochs=1", {}), hours_after("train.epochs=2", {}));
  const ProgramResult plain = factorps(train("other", with({"rows.frozen=['history']"})));
  EXPECT_EQ(plain.exit_code, 2) << plain.err;
  EXPECT_NE(plain.err.find("no \"history\", because model.history is false"), std::string::npos)
      << plain.err;
}

TEST_F(FactorizationMachinesInMoments, ListsAndPredictionsAreForAMoment) {
  static_cast<void>(trained(0, "run", in_moments()));
  const json latest = list_at("");
  const json monday = list_at("2024-01-08");
  const json friday = list_at("2024-01-12T23:00:00");
  EXPECT_EQ(latest["basis"], "factors");
  EXPECT_GT(monday["items"][0]["score"].get<double>(), friday["items"][0]["score"].get<double>());
  directory_.write("pairs.csv", "user,item\n" + std::to_string(some_user_) + "," +
                                    monday["items"][0]["item"].get<std::string>() + '\n');
  const ProgramResult one = factorps({"predict", model("run"), directory_ / "pairs.csv", "--json",
                                      "--time", "2024-01-08", "--set", "evaluate.clip=false"});
  ASSERT_EQ(one.exit_code, 0) << one.err;
  // Products of 8 in other orders, of scores below 10.
  EXPECT_NEAR(json::parse(one.out)["prediction"].get<double>(),
              monday["items"][0]["score"].get<double>(), 2e-5);
}

TEST_F(FactorizationMachinesInMoments, SayWhatIsMissing) {
  static_cast<void>(trained(0, "run", in_moments({"train.epochs=1"})));
  ASSERT_EQ(factorps({"prepare", config_}).exit_code, 0);
  const ProgramResult training = factorps(train("other", in_moments()));
  EXPECT_EQ(training.exit_code, 3) << training.err;
  EXPECT_NE(training.err.find("data.store_times = true"), std::string::npos) << training.err;
  const ProgramResult evaluation = factorps({"evaluate", model("run"), directory_ / "dataset.h5"});
  EXPECT_EQ(evaluation.exit_code, 3) << evaluation.err;
  EXPECT_NE(evaluation.err.find("data.store_times = true"), std::string::npos) << evaluation.err;
  const ProgramResult resumed =
      factorps(train("run", in_moments({"train.epochs=2"}), {"--resume", "auto"}));
  EXPECT_NE(resumed.exit_code, 0) << "the times are gone";
  static_cast<void>(trained(0, "plain", with({"train.epochs=1"})));
  directory_.write("users", std::to_string(some_user_) + '\n');
  const ProgramResult lists = factorps(
      {"recommend", model("plain"), "--users", directory_ / "users", "--time", "2024-01-08"});
  EXPECT_EQ(lists.exit_code, 2) << lists.err;
  EXPECT_NE(lists.err.find("do not depend on it"), std::string::npos) << lists.err;
}

}  // namespace
}  // namespace factorps::test

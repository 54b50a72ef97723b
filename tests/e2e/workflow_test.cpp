/// plan, crossval, and using a model that was really trained.
#include <algorithm>

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/e2e/factorps.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps::test {
namespace {

/// 30 users x 12 items, every pair but one in three, ratings 1 to 5; a config beside them.
std::string write_ratings(const TemporaryDirectory& directory) {
  std::string text = "user,item,rating\n";
  for (int user = 0; user < 30; ++user) {
    for (int item = 0; item < 12; ++item) {
      if ((user + item) % 3 == 0) continue;
      text += fmt::format("u{},{},{}\n", user, item, 1 + (user * 7 + item * 3) % 5);
    }
  }
  directory.write("ratings.csv", text);
  return directory.write("run.toml",
                         "[data]\nsource = ['ratings.csv']\n[split]\nvalidation_method = 'none'\n"
                         "[grid]\nstrips = 4\nblocks = 2\n[model]\ndim = 4\n"
                         "[train]\nepochs = 3\n[run]\ndir = 'run'\n");
}

TEST(Prepare, SaysWhyNothingIsLeft) {
  const TemporaryDirectory directory;
  const std::string config = write_ratings(directory);
  const auto complaint = [&](const std::vector<std::string>& settings) {
    std::vector<std::string> command{"prepare", config, "--quiet"};
    for (const auto& setting : settings) command.insert(command.end(), {"--set", setting});
    const ProgramResult result = factorps(command);
    EXPECT_EQ(result.exit_code, 3);
    return result.err;
  };
  EXPECT_EQ(
      complaint({"clean.min_item_interactions=31"}),
      "factorps: error: no interaction is left to train on: core 0 / 31 took the last 240 "
      "(interactions after each step: read: 240, duplicates keep_last: 240, core 0 / 31: 0)\n");
  EXPECT_EQ(complaint({"clean.strict=false", "clean.max_bad_rows=1000", "clean.min_value=6"}),
            "factorps: error: all 240 rows were bad, the first at " +
                std::string{directory / "ratings.csv"} +
                ":2: value 4 is outside the range 6 to inf of [clean]\n");
  EXPECT_FALSE(std::filesystem::exists(directory / "dataset.h5"));
}

TEST(Prepare, WeighsEventsAndHoldsUsersOut) {
  const TemporaryDirectory directory;
  std::string text = "user,item,type\n";
  for (int user = 0; user < 40; ++user) {
    for (int item = 0; item < 10; ++item) {
      for (const char* type : {"view", "buy", "scroll"})
        text += fmt::format("u{},{},{}\n", user, item, type);
    }
  }
  directory.write("log.csv", text);
  const std::string config = directory.write(
      "run.toml",
      "[data]\nsource = ['log.csv']\ncolumns.event = 'type'\n"
      "event_weights = { view = 1, buy = 4, scroll = 0 }\n[clean]\nduplicates = 'sum'\n"
      "[split]\nmethod = 'users'\ntest_fraction = 0.4\nvalidation_method = 'users'\n"
      "validation_fraction = 0.3\nfold_in_fraction = 0.7\n[grid]\nstrips = 4\nblocks = 2\n");
  const ProgramResult alone = factorps({"prepare", config});
  ASSERT_EQ(alone.exit_code, 0) << alone.err;
  EXPECT_NE(alone.out.find("400 rows of events of weight 0 left out"), std::string::npos)
      << alone.out;
  const std::string bytes = read_text(directory / "dataset.h5");
  const ProgramResult inspected = factorps({"inspect", directory / "dataset.h5", "--json"});
  ASSERT_EQ(inspected.exit_code, 0) << inspected.err;
  const auto json = nlohmann::json::parse(inspected.out);
  const auto& parts = json["interactions"];
  EXPECT_EQ(json["values"]["max"], 5);
  EXPECT_EQ(json["prepare"]["skipped"]["weight_0"], 400);
  // Each user held out has 7 items of history and 3 of target.
  const int targets = parts["test"].get<int>() + parts["validation"].get<int>();
  EXPECT_GT(parts["test"].get<int>(), 0);
  EXPECT_GT(parts["validation"].get<int>(), 0);
  EXPECT_EQ(parts["fold_in"].get<int>() * 3, targets * 7);
  EXPECT_EQ(parts["train"].get<int>() + parts["fold_in"].get<int>() + targets, 400);
  ASSERT_EQ(factorps_ranks(3, {"prepare", config}).exit_code, 0);
  EXPECT_EQ(read_text(directory / "dataset.h5"), bytes);

  const ProgramResult refused =
      factorps({"prepare", config, "--quiet", "--set", "data.event_weights={view = 1}"});
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_NE(refused.err.find("log.csv:3: event \"buy\", expected one of view"), std::string::npos)
      << refused.err;
}

TEST(Prepare, SaysWhatBecameOfReturnsAndOldRows) {
  const TemporaryDirectory directory;
  directory.write("shop.csv",
                  "user,item,quantity,time\n"
                  "u1,tea,4,2020-01-01\nu1,tea,-1,2020-01-05\n,tea,1,2020-01-02\n"
                  "u1,rum,8,2020-01-11\nu2,tea,1,2020-01-03\nu2,tea,-1,2020-01-04\n");
  const std::string config = directory.write(
      "run.toml",
      "[data]\nsource = ['shop.csv']\ncolumns = ['user', 'item', 'quantity', 'time']\n"
      "[clean]\ndrop_without_user = true\nreturns = 'net'\nthreshold = 2\nhalf_life_days = 6\n"
      "[split]\nmethod = 'none'\nvalidation_method = 'none'\n[grid]\nstrips = 1\nblocks = 1\n");
  const ProgramResult prepared = factorps({"prepare", config});
  ASSERT_EQ(prepared.exit_code, 0) << prepared.err;
  for (const char* line :
       {"1 rows without a user left out", "duplicates sum        5 -> 3 interactions",
        "returns net           3 -> 2 interactions", "threshold 2           2 -> 2 interactions",
        "1.5 to 8, normalisation none"}) {  // 3, six days before the 8
    EXPECT_NE(prepared.out.find(line), std::string::npos) << line << " in\n" << prepared.out;
  }
  EXPECT_EQ(factorps({"inspect", directory / "dataset.h5"}).exit_code, 0);
}

TEST(Plan, CountsRawFilesUntilThereIsADataset) {
  const TemporaryDirectory directory;
  const std::string config = write_ratings(directory);
  const auto raw = nlohmann::json::parse(factorps({"plan", config, "--json"}).out);
  EXPECT_EQ(raw["users"], 30);
  EXPECT_EQ(raw["train_interactions"], 240);
  ASSERT_EQ(factorps({"prepare", config, "--set", "split.method=none"}).exit_code, 0);
  const auto plan = nlohmann::json::parse(factorps({"plan", config, "--json"}).out);
  EXPECT_EQ(plan["source"], "dataset");
  EXPECT_EQ(plan["users"], 30);
  EXPECT_EQ(plan["train_interactions"], 240);
  EXPECT_EQ(plan["files"]["dataset"], std::filesystem::file_size(directory / "dataset.h5"));
  EXPECT_EQ(plan["grid"]["strips"], 4);
  EXPECT_GE(raw["files"]["dataset"], 240 * 3);
}

TEST(Plan, RefusesWhatDoesNotFit) {
  const TemporaryDirectory directory;
  const std::string config = write_ratings(directory);
  const ProgramResult result =
      factorps({"plan", config, "--set", "model.dim=8192", "--set", "train.epochs=1000000", "--set",
                "checkpoint.keep=1000000"});
  EXPECT_EQ(result.exit_code, 5);
  EXPECT_NE(result.err.find("disk for the run: "), std::string::npos) << result.err;
  EXPECT_NE(result.err.find(" missing\n"), std::string::npos) << result.err;
}

TEST(Plan, ForetellsTheSizesOfFiles) {
  const TemporaryDirectory directory;
  const std::string config = write_ratings(directory);
  ASSERT_EQ(factorps({"prepare", config}).exit_code, 0);
  std::vector<std::uintmax_t> planned;
  for (const std::string ids : {"all", "items", "none"}) {
    const std::string stored = "run.store_ids=" + ids;
    ASSERT_EQ(factorps({"train", config, "--quiet", "--overwrite", "--set", stored}).exit_code, 0);
    const auto plan =
        nlohmann::json::parse(factorps({"plan", config, "--json", "--set", stored}).out);
    planned.push_back(plan["files"]["model"].get<std::uintmax_t>());
    // What HDF5 adds to the data itself: headers, attributes and alignment.
    constexpr std::uintmax_t kOverhead = std::uintmax_t{32} << 10;
    const std::uintmax_t model = std::filesystem::file_size(directory / "run/model.h5");
    EXPECT_GE(model, planned.back()) << ids;
    EXPECT_LE(model, planned.back() + kOverhead) << ids;
  }
  // Texts of 30 users, "u0" to "u29", with where each begins and the end; integers of 12 items.
  EXPECT_EQ(planned[0] - planned[1], 10 * 2 + 20 * 3 + 8 * 31);
  EXPECT_EQ(planned[1] - planned[2], 8 * 12);
}

TEST(Plan, TellsTheTimeOnTheWire) {
  const TemporaryDirectory directory;
  const std::string config = write_ratings(directory);
  ASSERT_EQ(factorps({"prepare", config}).exit_code, 0);
  const auto plan = nlohmann::json::parse(
      factorps({"plan", config, "--nodes", "2", "--bandwidth", "1Mbit", "--json"}).out);
  // Each node sends 12 rows of 16 floats and a state of 8 bytes, and 2 headers of 16.
  EXPECT_DOUBLE_EQ(plan["epoch"]["network_seconds"], 8e-6 * (12 * 72 + 2 * 16));
  EXPECT_TRUE(plan["epoch"]["train_seconds"].is_null());
  const ProgramResult wrong = factorps({"plan", config, "--bandwidth", "10GB"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_EQ(wrong.err,
            "factorps: error: --bandwidth \"10GB\": expected bits per second above 0, as in "
            "10Gbit, 800Mbit or 2.5e9\n");
}

TEST(Plan, MeasuresOnTheDatasetAndLeavesNothingBehind) {
  const TemporaryDirectory directory;
  const std::string config = write_ratings(directory);
  EXPECT_EQ(factorps({"plan", config, "--calibrate"}).exit_code, 3);  // nothing prepared
  ASSERT_EQ(factorps({"prepare", config}).exit_code, 0);
  const auto plan = nlohmann::json::parse(factorps({"plan", config, "--calibrate", "--json"}).out);
  const auto& epoch = plan["epoch"];
  EXPECT_GT(epoch["train_seconds"], 0);
  EXPECT_EQ(epoch["evaluate_seconds"], 0);  // no validation part
  EXPECT_TRUE(epoch["network_seconds"].is_null());
  EXPECT_EQ(epoch["calibration"]["interactions"], plan["train_interactions"]);
  EXPECT_GE(epoch["calibration"]["passes"], 5);
  EXPECT_FALSE(std::filesystem::exists(directory / "run"));
}

TEST(Plan, ForetellsEvaluationAndLists) {
  const TemporaryDirectory directory;
  const std::string config = write_ratings(directory);
  ASSERT_EQ(factorps({"prepare", config}).exit_code, 0);
  const auto plan = nlohmann::json::parse(factorps({"plan", config, "--json"}).out);
  EXPECT_EQ(plan["evaluate"]["pairs"],
            plan["users"].get<std::uint64_t>() * plan["items"].get<std::uint64_t>());
  EXPECT_EQ(plan["evaluate"]["mapped"], plan["files"]["model"]);
  EXPECT_GT(plan["evaluate"]["held_per_rank"], plan["items"].get<std::uint64_t>() * 64);
  EXPECT_TRUE(plan["recommend"]["seconds"].is_null());
  ASSERT_EQ(factorps({"train", config, "--quiet"}).exit_code, 0);
  const std::filesystem::path lists = directory / "lists.tsv";
  ASSERT_EQ(factorps({"recommend", "--config", config, "--all", "--include-seen", "--out", lists})
                .exit_code,
            0);
  const auto bytes = static_cast<double>(std::filesystem::file_size(lists));
  EXPECT_NEAR(plan["recommend"]["lists"].get<double>() / bytes, 1, 0.5);  // about
  // Rankings are measured for every solver, epochs for sgd.
  const auto measured = nlohmann::json::parse(
      factorps({"plan", config, "--calibrate", "--json", "--set", "train.solver=als"}).out);
  EXPECT_GT(measured["evaluate"]["seconds"], 0);
  EXPECT_GT(measured["recommend"]["seconds"], 0);
  EXPECT_TRUE(measured["epoch"]["train_seconds"].is_null());
  const std::string text = factorps({"plan", config}).out;
  EXPECT_NE(text.find("\nevaluate      a rank holds "), std::string::npos) << text;
  EXPECT_NE(text.find("\nrecommend     a rank holds "), std::string::npos) << text;
}

TEST(Plan, IsKeptByTheRunAndComparedByInspect) {
  const TemporaryDirectory directory;
  const std::string config = write_ratings(directory);
  ASSERT_EQ(factorps({"prepare", config}).exit_code, 0);
  ASSERT_EQ(factorps({"train", config, "--quiet"}).exit_code, 0);
  const auto planned = nlohmann::json::parse(factorps({"plan", config, "--json"}).out);
  const ProgramResult result = factorps({"inspect", directory / "run", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto check = nlohmann::json::parse(result.out)["prediction"];
  EXPECT_EQ(check["memory"]["predicted"], planned["memory"]["held"]);
  EXPECT_GT(check["memory"]["measured"], 0);
  EXPECT_EQ(check["bytes_per_epoch"]["measured"], 0);
  EXPECT_EQ(check["checkpoint"]["predicted"], planned["files"]["checkpoint"]);
  EXPECT_GT(check["epoch_seconds"]["measured"], 0);
  EXPECT_EQ(check["model"]["measured"], std::filesystem::file_size(directory / "run/model.h5"));
  EXPECT_NE(factorps({"inspect", directory / "run"}).out.find("  epoch_seconds"),
            std::string::npos);
}

TEST(Evaluate, FoldsHeldOutUsersInOnAnyNumberOfRanks) {
  const TemporaryDirectory directory;
  ASSERT_EQ(factorps({"generate", "--users", "400", "--items", "120", "--interactions", "16000",
                      "--noise", "0.3", "--test-fraction", "0", "--out", directory / "r"})
                .exit_code,
            0);
  const std::string config = directory.write(
      "run.toml",
      "[data]\nsource = ['r.train.csv']\n[split]\nmethod = 'users'\ntest_fraction = 0.2\n"
      "validation_method = 'none'\n[grid]\nstrips = 4\nblocks = 2\n[model]\ndim = 8\n"
      "[train]\nepochs = 30\n[run]\ndir = 'run'\n");
  ASSERT_EQ(factorps({"prepare", config}).exit_code, 0);
  const ProgramResult trained = factorps({"train", config});
  ASSERT_EQ(trained.exit_code, 0);
  EXPECT_NE(trained.err.find("the users of test are held out: not measured here"),
            std::string::npos)
      << trained.err;
  EXPECT_TRUE(nlohmann::json::parse(read_text(directory / "run/summary.json"))["test"].is_null());
  for (const std::vector<std::string>& how :
       {std::vector<std::string>{}, std::vector<std::string>{"--at", "5"}}) {
    std::vector<std::string> command{"evaluate", "--config", config, "--json"};
    command.insert(command.end(), how.begin(), how.end());
    const ProgramResult alone = factorps(command);
    ASSERT_EQ(alone.exit_code, 0) << alone.err;
    EXPECT_EQ(factorps_ranks(3, command).out, alone.out);
    const auto json = nlohmann::json::parse(alone.out);
    EXPECT_EQ(json["folded_in"], "held-out users: regularised squared errors of the ratings");
    if (!how.empty()) continue;
    // Without factors of its own, a held-out user would get the mean of an item.
    const auto mean =
        factorps({"evaluate", "--baseline", "item-mean", "--config", config, "--json"});
    EXPECT_LT(json["rmse"].get<double>(),
              0.8 * nlohmann::json::parse(mean.out)["rmse"].get<double>());
  }
}

TEST(Crossval, ReportsFoldsMeanAndStandardError) {
  const TemporaryDirectory directory;
  const std::string config = write_ratings(directory);
  const ProgramResult result = factorps({"crossval", config, "--folds", "3", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  ASSERT_EQ(json["folds"].size(), 3U);
  double sum = 0;
  std::uint64_t interactions = 0;
  for (const auto& fold : json["folds"]) {
    sum += fold["rmse"].get<double>();
    interactions += fold["interactions"].get<std::uint64_t>();
    const auto fold_directory = directory / fmt::format("run/fold-{}", fold["fold"].get<int>());
    const auto evaluated = factorps(
        {"evaluate", fold_directory / "model.h5", fold_directory / "dataset.h5", "--json"});
    // The trainer predicts in float, evaluate in double.
    EXPECT_NEAR(nlohmann::json::parse(evaluated.out)["rmse"], fold["rmse"], 1e-5);
  }
  EXPECT_DOUBLE_EQ(json["rmse"]["mean"], sum / 3);
  EXPECT_GT(json["rmse"]["standard_error"], 0.0);
  EXPECT_EQ(interactions, 240U);  // every interaction is tested once
}

TEST(Crossval, ContinuesWithWhatIsTrained) {
  const TemporaryDirectory directory;
  const std::string config = write_ratings(directory);
  const ProgramResult first = factorps({"crossval", config, "--folds", "2"});
  ASSERT_EQ(first.exit_code, 0) << first.err;
  const ProgramResult again = factorps({"crossval", config, "--folds", "2", "--resume"});
  EXPECT_EQ(again.out, first.out);
  EXPECT_NE(read_text(directory / "run/fold-2/summary.json").find("\"updates\": 0"),
            std::string::npos);
}

TEST(Trained, RecommendAndPredictAnswerInExternalIds) {
  const TemporaryDirectory directory;
  const std::string config = write_ratings(directory);
  ASSERT_EQ(factorps({"prepare", config, "--set", "split.method=none"}).exit_code, 0);
  ASSERT_EQ(factorps({"train", config, "--quiet"}).exit_code, 0);
  const std::string users = directory.write("users.txt", "u7\n");
  const auto line = nlohmann::json::parse(
      factorps({"recommend", "--config", config, "--users", users, "-k", "99", "--json"}).out);
  std::vector<std::string> items;
  for (const auto& item : line["items"]) items.push_back(item["item"]);
  std::ranges::sort(items);
  EXPECT_EQ(items, (std::vector<std::string>{"11", "2", "5", "8"}));  // (7 + item) % 3 == 0
  const std::string pairs = directory.write(
      "pairs.csv", fmt::format("user,item\nu7,{}\n", line["items"][0]["item"].get<std::string>()));
  const auto predicted = nlohmann::json::parse(
      factorps({"predict", "--config", config, pairs, "--json", "--set", "evaluate.clip=false"})
          .out);
  EXPECT_EQ(predicted["known"], "both");
  // Scores are summed in float, predictions in double: a few units in the last place of 5.
  EXPECT_NEAR(predicted["prediction"], line["items"][0]["score"], 1e-5);
}

}  // namespace
}  // namespace factorps::test

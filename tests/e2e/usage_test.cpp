/// evaluate, predict and inspect on a small model whose answers are known.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/random.hpp"
#include "io/checkpoint.hpp"
#include "io/dataset_writer.hpp"
#include "io/model_file.hpp"
#include "tests/e2e/factorps.hpp"
#include "tests/e2e/usage_fixture.hpp"
#include "tests/support/synthetic_dataset.hpp"

namespace factorps::test {
namespace {

TEST_F(Usage, EvaluatePrintsErrorsAndProtocol) {
  const ProgramResult result = factorps({"evaluate", model_, dataset_, "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  // anna-10: 3 + 0.5 + 2 = 5.5 (clipped 5) for 4; bert-9: 3.25 for 2; cleo-7: 3 for 3.
  EXPECT_DOUBLE_EQ(json["mae"], (1 + 1.25 + 0) / 3);
  EXPECT_DOUBLE_EQ(json["mae_unclipped"], (1.5 + 1.25 + 0) / 3);
  EXPECT_DOUBLE_EQ(json["rmse"], std::sqrt((1 + 1.5625) / 3));
  EXPECT_DOUBLE_EQ(json["rmse_unclipped"], std::sqrt((2.25 + 1.5625) / 3));
  EXPECT_EQ(json["protocol"]["cold"], (nlohmann::json{{"users", 1}, {"items", 1}, {"both", 0}}));
  EXPECT_EQ(json["protocol"]["interactions"], 3);
  EXPECT_EQ(json["protocol"]["clipped_to"], (nlohmann::json{1.0, 5.0}));
  EXPECT_EQ(json["rows"], "the dataset that the model was trained on");
}

TEST_F(Usage, NamesAMissingModel) {
  const std::string missing = directory_ / "none.h5";
  for (const auto& command : {std::vector<std::string>{"evaluate", missing, dataset_},
                              std::vector<std::string>{"recommend", missing, "--all"}}) {
    const ProgramResult result = factorps(command);
    EXPECT_EQ(result.exit_code, 3);
    EXPECT_EQ(result.err,
              "factorps: error: " + missing +
                  ": no such model; expected the model.h5 of a training that has ended\n");
  }
}

TEST_F(Usage, EvaluateWritesALinePerUser) {
  const std::string users = directory_ / "users.tsv";
  ASSERT_EQ(factorps({"evaluate", model_, dataset_, "--per-user", users}).exit_code, 0);
  const std::string text = read_text(users);
  EXPECT_TRUE(text.starts_with("# {\"predictor\":\"")) << text;
  EXPECT_EQ(text.substr(text.find('\n') + 1),
            "user\tinteractions\trmse\tmae\trmse_unclipped\tmae_unclipped\ttrain_count\n"
            "anna\t1\t1.000000\t1.000000\t1.500000\t1.500000\t2\n"
            "bert\t1\t1.250000\t1.250000\t1.250000\t1.250000\t1\n"
            "cleo\t1\t0.000000\t0.000000\t0.000000\t0.000000\t0\n");
}

TEST_F(Usage, EvaluateClipsAsConfigured) {
  const std::string users = directory_ / "users.tsv";
  const ProgramResult result = factorps({"evaluate", model_, dataset_, "--json", "--per-user",
                                         users, "--set", "evaluate.clip=false"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["clipped"], false);
  EXPECT_EQ(json["mae"], json["mae_unclipped"]);
  EXPECT_EQ(json["rmse"], json["rmse_unclipped"]);
  EXPECT_DOUBLE_EQ(json["mae_clipped"], (1 + 1.25 + 0) / 3);
  EXPECT_NE(read_text(users).find("anna\t1\t1.500000\t1.500000\t1.500000\t1.500000\t2\n"),
            std::string::npos)
      << read_text(users);
}

TEST_F(Usage, EvaluateFoldsUsersIn) {
  write_model(model_, Dataset{dataset_}.fingerprint(), true, small_contents().user_ids,
              kTrainedBySgd);
  const ProgramResult result = factorps({"evaluate", model_, dataset_, "--fold-in", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["folded_in"], "all users: regularised squared errors of the ratings");
  // anna has errors of 2 and -0.5 on items of factor 1 and 0.5, without factors: her factor is
  // 1.75 / 1.75, so 10 gets 3 + 0.5 + 2 for 4. bert's bias goes, and 9 is cold: 3 for 2. cleo has
  // nothing to be folded in by: 3 for 3.
  EXPECT_NEAR(json["mae_unclipped"], (1.5 + 1 + 0) / 3, 1e-7);
  const ProgramResult ranking =
      factorps({"evaluate", model_, dataset_, "--fold-in", "--at", "1", "--json"});
  // anna's best is 10; bert's 9 with 3, before 8 with 3.5 less half of 20/17; cleo's is not 7.
  EXPECT_DOUBLE_EQ(nlohmann::json::parse(ranking.out)["metrics"]["hit_rate@1"]["mean"], 2.0 / 3);
}

TEST_F(Usage, EvaluateMatchesAnotherDatasetByExternalId) {
  DatasetContents other = small_contents();
  other.user_ids = IdTable::of_strings({0, 4, 8, 12}, "bertannazoey");
  other.item_ids = IdTable::of_integers({10, 8, 9, 7});
  write_dataset(dataset_, other);
  const ProgramResult result = factorps({"evaluate", model_, dataset_, "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  // bert-7: 3.25 - 1 = 2.25 for 4; anna-9: 3 for 2; zoey-10: 3.5 for 3.
  EXPECT_DOUBLE_EQ(json["mae"], (1.75 + 1 + 0.5) / 3);
  EXPECT_NE(json["rows"].get<std::string>().find("1 of 3 users and 0 of 4 items are unknown"),
            std::string::npos)
      << json["rows"];
}

TEST_F(Usage, EvaluateIsTheSameOnAnyNumberOfRanks) {
  const std::string alone = directory_ / "alone.tsv";
  const std::string shared = directory_ / "shared.tsv";
  const auto one = factorps({"evaluate", model_, dataset_, "--json", "--per-user", alone});
  const auto three =
      factorps_ranks(3, {"evaluate", model_, dataset_, "--json", "--per-user", shared});
  ASSERT_EQ(three.exit_code, 0) << three.err;
  EXPECT_EQ(one.out, three.out);
  EXPECT_EQ(read_text(alone), read_text(shared));
}

TEST_F(Usage, EvaluateRanksAllItems) {
  const auto metrics = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"evaluate", model_, dataset_, "--json", "--at", "1,3"});
    const ProgramResult result = factorps(more);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return nlohmann::json::parse(result.out);
  };
  // anna wants 10 among 9 and 10, scored 3 and 5.5. bert wants 9 among 7, 8 and 9, scored 2.25,
  // 3.25 and 3.25. cleo wants 7 among all, scored 3, 3.5, 3 and 3.5.
  const auto expected = metrics({});
  const auto mean = [](const nlohmann::json& result, const char* metric) {
    return result["metrics"][metric]["mean"].get<double>();
  };
  EXPECT_DOUBLE_EQ(mean(expected, "recall@1"), (1 + 0.5 + 0) / 3);
  EXPECT_DOUBLE_EQ(mean(expected, "recall@3"), (1 + 1 + 0.5) / 3);
  EXPECT_DOUBLE_EQ(mean(expected, "mrr@3"), (1 + (1 + 0.5) / 2 + 0.5 / 3) / 3);
  EXPECT_DOUBLE_EQ(mean(expected, "auc"), (1 + 1.5 / 2 + 0.5 / 3) / 3);
  EXPECT_EQ(expected["protocol"]["users"], 3);
  EXPECT_EQ(expected["protocol"]["users_without_training_data"], 1);
  EXPECT_DOUBLE_EQ(mean(metrics({"--pessimistic"}), "recall@1"), 1.0 / 3);
  const auto liked = metrics({"--relevant-from", "3"});  // not bert's
  EXPECT_EQ(liked["protocol"]["users_without_relevant_items"], 1);
  EXPECT_DOUBLE_EQ(mean(liked, "recall@1"), 0.5);
}

TEST_F(Usage, EvaluateRanksByPopularity) {
  const ProgramResult result =
      factorps({"evaluate", "--baseline", "popular", dataset_, "--at", "1", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  // Items 7, 8 and 10 have one training interaction, 9 has none: anna's 10 comes first, bert's 9
  // last of three, cleo's 7 is one of three.
  EXPECT_DOUBLE_EQ(nlohmann::json::parse(result.out)["metrics"]["recall@1"]["mean"].get<double>(),
                   (1 + 0 + 1.0 / 3) / 3);
}

TEST_F(Usage, EvaluateSaysWhatListsAreLike) {
  const std::string users = directory_ / "users.tsv";
  const ProgramResult result =
      factorps({"evaluate", model_, dataset_, "--json", "--at", "1,2", "--per-user", users});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto all = nlohmann::json::parse(result.out);
  const auto mean = [&](const char* metric) {
    return all["metrics"][metric]["mean"].get<double>();
  };
  // anna gets 10, 9; bert 8, 9 (equal scores, by row); cleo 8, 10. Two users have training data;
  // items 7, 8 and 10 have one interaction each, 9 has none.
  EXPECT_DOUBLE_EQ(mean("novelty@2"), 1);
  EXPECT_DOUBLE_EQ(mean("popularity@1"), 1);
  EXPECT_DOUBLE_EQ(mean("popularity@2"), 0.5);
  EXPECT_EQ(all["metrics"]["popularity@2"]["users"], 2);
  EXPECT_DOUBLE_EQ(mean("history_popularity"), 1);
  EXPECT_DOUBLE_EQ(mean("diversity@2"), (1 + 1 + 0) / 3.0);  // 9 has no factor
  EXPECT_TRUE(all["metrics"]["diversity@1"].is_null());
  EXPECT_DOUBLE_EQ(all["lists"]["coverage@1"], 0.5);
  EXPECT_DOUBLE_EQ(all["lists"]["coverage@2"], 0.75);
  EXPECT_DOUBLE_EQ(all["lists"]["entropy@1"], std::log2(3.0) - 2.0 / 3);
  EXPECT_DOUBLE_EQ(all["lists"]["popularity_lift@2"], -0.5);
  EXPECT_NE(read_text(users).find("\tpopularity@1\tdiversity@1\t"), std::string::npos);
  // cleo has no history and lists of one have no pairs: nothing stands there.
  EXPECT_TRUE(read_text(users).ends_with("\t1\t\t\t1\t\t0\t\n")) << read_text(users);
}

TEST_F(Usage, EvaluateAmongSampledItemsSaysSo) {
  write_synthetic(dataset_, {200, 70, 4, 3, 21, 1});
  const auto run = [&](int ranks, const std::string& seed) {
    return factorps_ranks(ranks, {"evaluate", "--baseline", "item-knn", dataset_, "--json", "--at",
                                  "5", "--sampled", "9", "--seed", seed});
  };
  const ProgramResult result = run(1, "1");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(run(3, "1").out, result.out);
  EXPECT_NE(run(1, "2").out, result.out);
  const auto all = nlohmann::json::parse(result.out);
  for (const auto& [name, value] : all["metrics"].items()) {
    EXPECT_TRUE(name.ends_with("(sampled:9)")) << name;
  }
  EXPECT_TRUE(all["lists"].empty());
  EXPECT_EQ(all["protocol"]["candidates"],
            "the relevant ones and 9 of each user, sampled (seed 1) from 70 items but those of the "
            "user in train and validation");
}

TEST_F(Usage, EvaluateAmongGivenItemsIsTheSameAsAmongThoseThatWereSampled) {
  write_synthetic(dataset_, {200, 70, 4, 3, 21, 1});
  const std::string file = directory_ / "candidates.tsv";
  const auto run = [&](int ranks, const std::vector<std::string>& options) {
    std::vector<std::string> command{"evaluate", "--baseline", "item-knn", dataset_,
                                     "--json",   "--at",       "5"};
    command.insert(command.end(), options.begin(), options.end());
    return factorps_ranks(ranks, command);
  };
  const ProgramResult sampled = run(2, {"--sampled", "9", "--write-candidates", file});
  ASSERT_EQ(sampled.exit_code, 0) << sampled.err;
  const std::string lines = read_text(file);
  const ProgramResult given = run(1, {"--candidates", file});
  ASSERT_EQ(given.exit_code, 0) << given.err;
  EXPECT_EQ(run(3, {"--candidates", file}).out, given.out);
  const auto expected = nlohmann::json::parse(sampled.out);
  const auto found = nlohmann::json::parse(given.out);
  EXPECT_EQ(found["protocol"]["users"], expected["protocol"]["users"]);
  for (const auto& [name, value] : expected["metrics"].items()) {
    const std::string same = name.substr(0, name.find('(')) + "(given:9)";
    EXPECT_EQ(found["metrics"][same], value) << same;
  }
  EXPECT_EQ(found["protocol"]["candidates"],
            "the relevant ones and 9 of each user, given in candidates.tsv (0 lines of unknown "
            "users and 0 unknown items left out) from 70 items but those of the user in train and "
            "validation");

  std::string pairs;  // "(user,item)" before the items, and one item that nobody knows
  for (std::size_t begin = 0; begin < lines.size(); begin = lines.find('\n', begin) + 1) {
    const std::string line = lines.substr(begin, lines.find('\n', begin) - begin);
    const std::size_t tab = line.find('\t');
    pairs += "(" + line.substr(0, tab) + ",1)" + line.substr(tab) + '\n';
  }
  pairs += "(nobody,1)\t1\n";
  directory_.write("pairs.tsv", pairs);
  const auto of_pairs =
      nlohmann::json::parse(run(1, {"--candidates", directory_ / "pairs.tsv"}).out);
  EXPECT_EQ(of_pairs["metrics"], found["metrics"]);

  // One user is left out: counted, not ranked.
  directory_.write("less.tsv", lines.substr(lines.find('\n') + 1));
  const auto less = nlohmann::json::parse(run(1, {"--candidates", directory_ / "less.tsv"}).out);
  EXPECT_EQ(less["protocol"]["users"].get<double>(), found["protocol"]["users"].get<double>() - 1);

  directory_.write("none.tsv", "nobody\t1\n");
  const ProgramResult none = run(1, {"--candidates", directory_ / "none.tsv"});
  EXPECT_EQ(none.exit_code, 3);
  EXPECT_NE(none.err.find("none.tsv: no line names a user of the dataset"), std::string::npos)
      << none.err;
  EXPECT_EQ(run(1, {"--candidates", directory_ / "missing.tsv"}).exit_code, 3);
  EXPECT_EQ(run(1, {"--candidates", file, "--sampled", "9"}).exit_code, 2);
}

TEST_F(Usage, EvaluateOfSegmentsByAttributes) {
  const std::vector<std::string> command{"evaluate",      model_,       dataset_,         "--json",
                                         "--at",          "1,3",        "--segments-by",  "club",
                                         "--segments-by", "items:kind", "--diversity-by", "kind"};
  const ProgramResult result = factorps(command);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  const auto& segments = json["segments"];
  std::vector<std::string> names;
  for (const auto& [name, segment] : segments.items()) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"items:kind (none)", "items:kind=a", "items:kind=b",
                                             "users:club (none)", "users:club=x",
                                             "users:club=y\xEF\xBF\xBD"}));
  EXPECT_EQ(segments["users:club=x"]["users"], 1);
  EXPECT_EQ(segments["users:club=y\xEF\xBF\xBD"]["users"], 2);
  EXPECT_EQ(segments["items:kind=b"]["items"], 2);
  EXPECT_EQ(segments["items:kind=b"]["relevant_items"], 2);  // 9 of bert and 7 of cleo
  EXPECT_EQ(segments["items:kind=a"]["relevant_items"], 0);
  const auto recall = [&](const char* name) {
    return segments[name]["metrics"]["recall@1"]["mean"].get<double>();
  };
  EXPECT_DOUBLE_EQ(recall("items:kind (none)"), 1);  // 10 of anna
  EXPECT_DOUBLE_EQ(recall("users:club=x"), 1);
  // Lists: anna 10, 9; bert 8, 9, 7; cleo 8, 10, 7. Of these pairs only 9 and 7 share their kind.
  EXPECT_TRUE(json["metrics"]["category_diversity@1(kind)"].is_null());
  EXPECT_DOUBLE_EQ(json["metrics"]["category_diversity@3(kind)"]["mean"].get<double>(),
                   (1 + 2.0 / 3 + 1) / 3);
  EXPECT_EQ(factorps_ranks(3, command).out, result.out);
}

TEST_F(Usage, EvaluateSaysWhichAttributesThereAre) {
  const auto complaint = [&](const std::string& option, const std::string& name) {
    const auto result = factorps({"evaluate", model_, dataset_, "--at", "1", option, name});
    EXPECT_EQ(result.exit_code, 2);
    return result.err;
  };
  const std::string all = "has items:kind, items:price, users:club, users:kind\n";
  EXPECT_TRUE(complaint("--segments-by", "colour").ends_with(all));
  EXPECT_NE(complaint("--segments-by", "kind").find("kind: of items or of users?"),
            std::string::npos);
  EXPECT_NE(complaint("--segments-by", "price").find("expected categories or tags"),
            std::string::npos);
  EXPECT_NE(complaint("--diversity-by", "club").find("club: no such attribute"), std::string::npos);
}

TEST_F(Usage, InspectListsAttributes) {
  const auto json = nlohmann::json::parse(factorps({"inspect", dataset_, "--json"}).out);
  EXPECT_EQ(json["item_attributes"]["kind"],
            (nlohmann::json{{"kind", "category"}, {"values", 2}, {"rows_with_value", 3}}));
  EXPECT_EQ(json["item_attributes"]["price"],
            (nlohmann::json{{"kind", "number"}, {"rows_with_value", 3}}));
  EXPECT_EQ(json["user_attributes"]["club"],
            (nlohmann::json{{"kind", "tags"}, {"values", 2}, {"rows_with_value", 2}}));
}

TEST_F(Usage, EvaluateOfSegments) {
  const ProgramResult result =
      factorps({"evaluate", model_, dataset_, "--json", "--at", "1", "--segments"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto segments = nlohmann::json::parse(result.out)["segments"];
  const auto recall = [&](const char* name) {
    return segments[name]["metrics"]["recall@1"]["mean"].get<double>();
  };
  EXPECT_EQ(segments["users:cold"]["users"], 1);
  EXPECT_DOUBLE_EQ(recall("users:cold"), 0);
  EXPECT_DOUBLE_EQ(recall("users:warm"), (1 + 0.5) / 2);
  // Of three training interactions 7 has the first, 8 the second, 10 the third; 9 has none.
  EXPECT_EQ(segments["items:head"]["items"], 1);
  EXPECT_EQ(segments["items:tail"]["items"], 2);
  EXPECT_DOUBLE_EQ(recall("items:head"), 0);
  EXPECT_EQ(segments["items:torso"]["users"], 0);
  EXPECT_TRUE(segments["items:torso"]["metrics"]["recall@1"].is_null());
  EXPECT_DOUBLE_EQ(recall("items:tail"), (1 + 0.5) / 2);
  const auto twice = factorps(
      {"evaluate", model_, dataset_, "--json", "--at", "1", "--segments", "--cold-below", "2"});
  EXPECT_EQ(nlohmann::json::parse(twice.out)["segments"]["users:cold"]["users"], 2);
  EXPECT_EQ(
      factorps_ranks(3, {"evaluate", model_, dataset_, "--json", "--at", "1", "--segments"}).out,
      result.out);
}

TEST_F(Usage, EvaluateRanksByWhatUsersHave) {
  const auto run = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"evaluate", dataset_, "--json", "--at", "1", "--baseline"});
    const ProgramResult result = factorps(more);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return nlohmann::json::parse(result.out);
  };
  // Only items 7 and 8 have a common user, anna, who has both: every candidate scores 0. anna's is
  // one of two, bert's one of three, cleo's one of four.
  const double random = (1.0 / 2 + 1.0 / 3 + 1.0 / 4) / 3;
  const auto knn = run({"item-knn", "--neighbours", "3", "--shrinkage", "0.5"});
  EXPECT_DOUBLE_EQ(knn["metrics"]["recall@1"]["mean"].get<double>(), random);
  EXPECT_EQ(knn["predictor"],
            "item-kNN of the training data (values ignored): cosine, 3 neighbours, shrinkage 0.5");
  const auto ease = run({"ease", "--ease-l2", "2"});
  EXPECT_DOUBLE_EQ(ease["metrics"]["recall@1"]["mean"].get<double>(), random);
  EXPECT_EQ(ease["predictor"],
            "EASE of the training data (values ignored): l2 2, single precision");
}

TEST_F(Usage, EvaluateRanksByWhatUsersHaveOnAnyNumberOfRanks) {
  write_synthetic(dataset_, {200, 700, 4, 3, 21, 1});
  for (const char* baseline : {"item-knn", "ease"}) {
    const auto run = [&](int ranks, const std::string& file) {
      const auto result = factorps_ranks(ranks, {"evaluate", "--baseline", baseline, dataset_,
                                                 "--at", "1,20", "--json", "--per-user", file});
      EXPECT_EQ(result.exit_code, 0) << result.err;
      return result.out + read_text(file);
    };
    EXPECT_EQ(run(1, directory_ / "alone.tsv"), run(3, directory_ / "shared.tsv")) << baseline;
  }
}

TEST_F(Usage, EvaluateSaysHowMuchMemoryIsMissing) {
  DatasetContents contents = small_contents();
  constexpr std::uint64_t kItems = 5'000'000;
  std::vector<std::int64_t> ids(kItems);
  for (std::size_t n = 0; n < kItems; ++n) ids[n] = static_cast<std::int64_t>(n);
  contents.item_ids = IdTable::of_integers(std::move(ids));
  contents.item_attributes.clear();
  contents.grid.block_begin = {0};
  while (contents.grid.block_begin.back() < kItems) {
    contents.grid.block_begin.push_back(
        std::min(contents.grid.block_begin.back() + kMaxBlockItems, kItems));
  }
  write_dataset(dataset_, contents);
  const ProgramResult result = factorps({"evaluate", "--baseline", "ease", dataset_, "--at", "1"});
  EXPECT_EQ(result.exit_code, 5);
  EXPECT_NE(result.err.find("need 100000000000000 bytes of memory"), std::string::npos)
      << result.err;
  EXPECT_NE(result.err.find(" are missing"), std::string::npos) << result.err;
}

TEST_F(Usage, EvaluateSaysThatARegularisationIsTooSmall) {
  const ProgramResult result =
      factorps({"evaluate", "--baseline", "ease", "--ease-l2", "1e-30", dataset_, "--at", "1"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(result.err.find("--ease-l2 1e-30: the matrix cannot be inverted"), std::string::npos)
      << result.err;
}

TEST_F(Usage, EvaluateRanksItemsOfAnotherDatasetByExternalId) {
  DatasetContents other = small_contents();
  other.user_ids = IdTable::of_strings({0, 4, 8, 12}, "annazoeyfred");
  other.item_ids = IdTable::of_integers({7, 8, 11, 10});
  write_dataset(dataset_, other);
  const std::string users = directory_ / "users.tsv";
  const ProgramResult result =
      factorps({"evaluate", model_, dataset_, "--at", "1", "--per-user", users});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  // To the model zoey and item 11 are new: 7, 8 and 11 score 3, 3.5 and 3 for her.
  EXPECT_NE(read_text(users).find("\nanna\t2\t1\t1\t1"), std::string::npos) << read_text(users);
  EXPECT_NE(read_text(users).find("\nzoey\t3\t1\t0\t0"), std::string::npos) << read_text(users);
}

TEST_F(Usage, EvaluateRanksTheSameOnAnyNumberOfRanks) {
  const std::string alone = directory_ / "alone.tsv";
  const std::string shared = directory_ / "shared.tsv";
  const std::vector<std::string> command{"evaluate", model_,  dataset_,    "--json",
                                         "--at",     "1,2,3", "--per-user"};
  const auto with = [&](const std::string& file) {
    auto arguments = command;
    arguments.push_back(file);
    return arguments;
  };
  const auto one = factorps(with(alone));
  const auto three = factorps_ranks(3, with(shared));
  ASSERT_EQ(three.exit_code, 0) << three.err;
  EXPECT_EQ(one.out, three.out);
  EXPECT_EQ(read_text(alone), read_text(shared));
}

TEST_F(Usage, EvaluateSaysWhatCannotBeRanked) {
  const auto error = [&](const std::vector<std::string>& command) {
    const ProgramResult result = factorps(command);
    EXPECT_EQ(result.exit_code, 2);
    return result.err;
  };
  EXPECT_NE(error({"evaluate", "--baseline", "user-mean", dataset_, "--at", "1"})
                .find("--baseline user-mean: gives no ranking; expected popular"),
            std::string::npos);
  EXPECT_NE(error({"evaluate", "--baseline", "popular", dataset_}).find("predicts no values"),
            std::string::npos);
  EXPECT_NE(error({"evaluate", model_, dataset_, "--part", "train", "--at", "1"})
                .find("expected --part validation or test"),
            std::string::npos);
  EXPECT_NE(error({"evaluate", model_, dataset_, "--at", "0"}).find("--at"), std::string::npos);
}

TEST_F(Usage, EvaluateRefusesADamagedCell) {
  const std::uint64_t offset = h5::File::open(dataset_).offset("/test/items");
  std::fstream file{dataset_, std::ios::in | std::ios::out | std::ios::binary};
  file.seekp(static_cast<std::streamoff>(offset));
  file.put('\x7f');
  file.close();
  const ProgramResult result = factorps({"evaluate", model_, dataset_});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_NE(result.err.find("/test"), std::string::npos) << result.err;
}

TEST(Baseline, UserMeanOnMovieLensIsExact) {
  const std::string folds = shared_data("ml-100k");
  if (!std::filesystem::exists(folds + "/u1.base")) GTEST_SKIP() << "no ml-100k in " << folds;
  const TemporaryDirectory directory;
  const std::string config =
      directory.write("u1.toml", "[data]\nsource = ['" + folds + "/u1.base']\ntest = ['" + folds +
                                     "/u1.test']\ndataset = 'u1.h5'\n[split]\nmethod = 'given'\n"
                                     "validation_method = 'none'\n");
  ASSERT_EQ(factorps({"prepare", config}).exit_code, 0);
  const auto result = factorps({"evaluate", "--baseline", "user-mean", directory / "u1.h5"});
  EXPECT_NE(result.out.find("RMSE        1.06300 clipped"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("MAE         0.85019 clipped"), std::string::npos) << result.out;
}

TEST_F(Usage, PredictFlagsWhatIsUnknown) {
  const std::string pairs =
      directory_.write("pairs.csv", "user,item\nanna,10\nbert,7\nanna,77\nx,8\nx,y\n");
  const ProgramResult result = factorps({"predict", model_, pairs});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out,
            "user\titem\tprediction\tknown\n"
            "anna\t10\t5\tboth\n"
            "bert\t7\t2.25\tboth\n"
            "anna\t77\t3\tuser\n"
            "x\t8\t3.5\titem\n"
            "x\ty\t3\tnone\n");
  const ProgramResult json =
      factorps({"predict", model_, pairs, "--json", "--set", "evaluate.clip=false"});
  EXPECT_EQ(json.out.substr(0, json.out.find('\n')),
            R"({"user":"anna","item":"10","prediction":5.5,"known":"both"})");
}

TEST_F(Usage, PredictNamesTheBadLine) {
  const std::string pairs = directory_.write("pairs.csv", "user,item\nanna,10\nbert\n");
  const ProgramResult result = factorps({"predict", model_, pairs});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_NE(result.err.find(pairs + ":3: "), std::string::npos) << result.err;
  EXPECT_EQ(result.out, "");
}

TEST_F(Usage, InspectShowsAndVerifies) {
  for (const auto& [file, kind] : {std::pair{dataset_, "dataset"}, std::pair{model_, "model"}}) {
    const ProgramResult result = factorps({"inspect", file, "--json"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const auto json = nlohmann::json::parse(result.out);
    EXPECT_EQ(json["kind"], kind);
    EXPECT_EQ(json["users"], 3);
    EXPECT_TRUE(json.contains("verified"));
  }
}

TEST_F(Usage, InspectNoticesDamage) {
  const std::uint64_t offset = h5::File::open(model_).offset("/items/factors");
  std::fstream file{model_, std::ios::in | std::ios::out | std::ios::binary};
  file.seekp(static_cast<std::streamoff>(offset));
  file.put('\x7f');
  file.close();
  const ProgramResult result = factorps({"inspect", model_});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_NE(result.err.find("/items/factors is damaged"), std::string::npos) << result.err;
  EXPECT_EQ(factorps({"inspect", directory_ / "nothing"}).exit_code, 3);
}

TEST_F(Usage, InspectLooksAtEveryPartOfARun) {
  const std::filesystem::path run = directory_ / "run";
  directory_.write("run/config.toml", "");
  const CheckpointStore store{run / "checkpoints"};
  for (const std::uint64_t epoch : {1U, 2U}) {
    const auto temporary = store.begin(epoch);
    std::ofstream{temporary / shard_name(0)} << "rows";
    CheckpointManifest manifest;
    manifest.epoch = epoch;
    manifest.state = "{}";
    manifest.identity = "train.l2 = 0.5\n";
    manifest.files = {describe_file(temporary / shard_name(0))};
    store.commit(temporary, manifest);
  }
  EXPECT_EQ(factorps({"inspect", run}).exit_code, 0);
  std::ofstream{store.path_of(2) / shard_name(0)} << "rovs";
  const ProgramResult result = factorps({"inspect", run, "--json"});
  EXPECT_EQ(result.exit_code, 4);
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["checkpoints"]["epoch-000001"]["epochs_done"], 1) << result.out;
  EXPECT_TRUE(json["checkpoints"]["epoch-000002"].contains("damaged")) << result.out;
  EXPECT_EQ(factorps({"inspect", store.path_of(2)}).exit_code, 4);

  const ProgramResult verified = factorps({"inspect", "--verify", run, "--json"});
  EXPECT_EQ(verified.exit_code, 4);
  auto usable = nlohmann::json::parse(verified.out)["checkpoints"];
  EXPECT_EQ(usable["epoch-000002"]["usable"], false) << verified.out;
  EXPECT_NE(usable["epoch-000002"]["problems"][0].get<std::string>().find(shard_name(0) +
                                                                          ": has checksum "),
            std::string::npos)
      << verified.out;
  // Of these two the configuration is another as well.
  EXPECT_NE(usable["epoch-000001"]["problems"][0].get<std::string>().find(
                "was trained with another configuration"),
            std::string::npos)
      << verified.out;

  const std::string shard = store.path_of(1) / shard_name(0);
  EXPECT_EQ(factorps({"inspect", shard}).err,
            "factorps: error: " + shard + ": is a part of a checkpoint, expected its directory: " +
                "factorps inspect " + store.path_of(1).string() + "\n");
  for (const char* part : {"config.toml", "checkpoints"}) {
    const ProgramResult of_run = factorps({"inspect", run / part});
    EXPECT_EQ(of_run.exit_code, 3);
    EXPECT_NE(of_run.err.find("is a part of a run, expected its directory: factorps inspect " +
                              run.string() + '\n'),
              std::string::npos)
        << of_run.err;
  }
}

}  // namespace
}  // namespace factorps::test

/// recommend: who, from what, which items, and where the lists go.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/random.hpp"
#include "io/model_file.hpp"
#include "tests/e2e/factorps.hpp"
#include "tests/e2e/usage_fixture.hpp"

namespace factorps::test {
namespace {

TEST_F(Usage, RecommendLeavesSeenItemsOut) {
  const ProgramResult result = factorps({"recommend", model_, "--all", "-k", "2"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out,
            "user\tposition\titem\tscore\tbasis\n"
            "anna\t1\t10\t5.5\tfactors\n"
            "anna\t2\t9\t3\tfactors\n"
            "bert\t1\t8\t3.25\tfactors\n"
            "bert\t2\t9\t3.25\tfactors\n"
            "cleo\t1\t7\t1\tpopularity\n"
            "cleo\t2\t8\t1\tpopularity\n");
}

TEST_F(Usage, RecommendCanIncludeSeenItems) {
  const std::string users = directory_.write("users.txt", "anna\r\n\nnobody\n");
  const ProgramResult result =
      factorps({"recommend", model_, "--users", users, "-k", "1", "--include-seen", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(
      result.out,
      R"({"user":"anna","known":true,"basis":"factors","items":[{"item":"10","score":5.5}]})"
      "\n"
      R"({"user":"nobody","known":false,"basis":"popularity","items":[{"item":"7","score":1.0}]})"
      "\n");
  EXPECT_EQ(result.err,
            "factorps: user 'nobody' is not in the model: items ranked by popularity\n");
}

TEST_F(Usage, RecommendReadsUsersAsItWritesThem) {
  write_model(model_, "odd ids", false, IdTable::of_strings({0, 3, 6, 9}, "a\tbc\\n\r\n\\"));
  const std::vector<std::string> rest{"-k", "1", "--include-seen"};
  const auto recommended = [&](std::vector<std::string> command) {
    command.insert(command.end(), rest.begin(), rest.end());
    return factorps(command);
  };
  const std::string all = recommended({"recommend", model_, "--all"}).out;
  std::istringstream lines{all};
  std::string users;
  std::string line;
  for (std::getline(lines, line); std::getline(lines, line);) {
    users += line.substr(0, line.find('\t')) + '\n';
  }
  EXPECT_EQ(users, "a\\tb\nc\\\\n\n\\r\\n\\\\\n");
  const std::string file = directory_.write("users.txt", users);
  const ProgramResult again = recommended({"recommend", model_, "--users", file});
  EXPECT_EQ(again.out, all);
  EXPECT_EQ(again.err, "");
  const std::string bad = directory_.write("users.txt", "a\n\nc\\x\n");
  const ProgramResult refused = recommended({"recommend", model_, "--users", bad});
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_EQ(refused.err,
            "factorps: error: " + bad +
                ":3: user 'c\\x', expected \\t, \\n, \\r or \\\\ (which stands for \\) "
                "at each \\\n");
}

TEST_F(Usage, RecommendRefusesADirectoryOfUsers) {
  const ProgramResult result = factorps({"recommend", model_, "--users", directory_.path()});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.err, "factorps: error: " + directory_.path().string() +
                            ": is a directory, expected a file with a user per line\n");
}

TEST_F(Usage, RecommendTakesWhatWasSeenFromADataset) {
  const std::string with = factorps({"recommend", model_, "--all"}).out;
  write_model(model_, "another dataset: matched by id", false);
  const ProgramResult result = factorps({"recommend", model_, "--all"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_NE(result.err.find("expected --dataset DATASET or --include-seen"), std::string::npos);
  EXPECT_EQ(factorps({"recommend", model_, "--all", "--dataset", dataset_}).out, with);
}

TEST_F(Usage, RecommendWritesAFileOnlyWhenComplete) {
  const std::string out = directory_ / "lists.tsv";
  const std::string printed = factorps({"recommend", model_, "--all"}).out;
  ASSERT_EQ(factorps({"recommend", model_, "--all", "--out", out}).exit_code, 0);
  EXPECT_EQ(read_text(out), printed);
  EXPECT_EQ(factorps({"recommend", model_, "--all", "--out", directory_ / "no/dir"}).exit_code, 5);
}

/// Many users, so that every rank gets several batches.
void write_large_model(const std::filesystem::path& path) {
  constexpr std::uint64_t kUsers = 5000;
  constexpr std::uint64_t kItems = 300;
  constexpr std::uint64_t kDim = 5;
  ModelInfo info;
  info.users = kUsers;
  info.items = kItems;
  info.dim = kDim;
  info.value_max = 5;
  const RandomStream stream{1, Purpose::generate};
  const auto random = [&](std::uint64_t count, std::uint32_t column) {
    std::vector<float> values(count);
    for (std::uint64_t n = 0; n < count; ++n)
      values[n] = static_cast<float>(stream.normal(n, column));
    return values;
  };
  ModelWriter writer{path, info};
  writer.append_users(random(kUsers * kDim, 0), random(kUsers, 1));
  writer.append_items(random(kItems * kDim, 2), random(kItems, 3));
  std::vector<std::int64_t> ids(kUsers);
  for (std::uint64_t n = 0; n < kUsers; ++n) ids[n] = static_cast<std::int64_t>(n * n);
  const std::vector<std::int64_t> items(ids.begin(), ids.begin() + kItems);
  writer.write_ids(IdTable::of_integers(ids), IdTable::of_integers(items));
  writer.write_counts(std::vector<std::uint32_t>(kUsers, 1), std::vector<std::uint32_t>(kItems, 1));
  writer.commit();
}

TEST_F(Usage, RecommendIsTheSameOnAnyNumberOfRanks) {
  write_large_model(model_);
  const std::vector<std::string> command{"recommend", model_, "--all", "-k", "5", "--include-seen"};
  const std::string alone = factorps(command).out;
  EXPECT_EQ(std::ranges::count(alone, '\n'), 1 + 5000 * 5);
  for (const int ranks : {2, 3}) {
    const ProgramResult result = factorps_ranks(ranks, command);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_TRUE(result.out == alone) << ranks << " ranks";
  }
}

// --- users by their history -------------------------------------------------------------------

TEST_F(Usage, RecommendSolvesNewUsersFromTheirHistory) {
  write_model(model_, "any", false, small_contents().user_ids, kTrainedBySgd);
  const std::string histories =
      directory_.write("new.csv", "user,item,rating\nzoe,7,5\nyan,77,2\nzoe,10,4\nzoe,77,1\n");
  const ProgramResult result = factorps({"recommend", model_, "--history", histories, "-k", "2"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  // Errors of zoe's ratings without factors: 2 on the item of factor 1, 0.5 on that of factor 2. So
  // her factor is (2 x 1 + 0.5 x 2) / (1 + 4 + 2 x 0.25) = 6/11, and item 8 has 3.5 + 0.5 x 6/11.
  EXPECT_EQ(result.out,
            "user\tposition\titem\tscore\tbasis\n"
            "zoe\t1\t8\t3.77273\tfold-in\n"
            "zoe\t2\t9\t3\tfold-in\n"
            "yan\t1\t7\t1\tpopularity\n"
            "yan\t2\t8\t1\tpopularity\n");
  EXPECT_EQ(result.err,
            "factorps: user 'yan' is not in the model: items ranked by popularity\n"
            "factorps: 2 interactions with items that are not in the model are ignored\n");
}

TEST_F(Usage, RecommendReadsHistoriesFromStandardInput) {
  write_model(model_, "any", false, small_contents().user_ids, kTrainedBySgd);
  const std::string text = "user,item,rating\nzoe,7,5\nzoe,10,4\n";
  const std::string histories = directory_.write("new.csv", text);
  const std::string expected = factorps({"recommend", model_, "--history", histories}).out;
  EXPECT_NE(expected.find("zoe\t1\t8\t3.77273\tfold-in\n"), std::string::npos) << expected;
  const ProgramResult piped =
      run_program({"bash", "-c", "cat \"$1\" | \"$0\" recommend \"$2\" --history -", executable(),
                   histories, model_});
  EXPECT_EQ(piped.out, expected) << piped.err;
  const ProgramResult ranks = factorps_ranks(2, {"recommend", model_, "--history", "-"});
  EXPECT_EQ(ranks.exit_code, 2);
  EXPECT_NE(ranks.err.find("only one rank can read standard input"), std::string::npos)
      << ranks.err;
}

TEST_F(Usage, RecommendWeighsEventsOfHistories) {
  write_model(model_, "any", false, small_contents().user_ids, kTrainedBySgd);
  const std::string histories = directory_.write(
      "new.csv", "user,item,rating,type\nzoe,7,2.5,buy\nzoe,8,1,view\nzoe,10,2,buy\n");
  const ProgramResult result =
      factorps({"recommend", model_, "--history", histories, "-k", "1", "--set",
                "data.columns.event=type", "--set", "data.event_weights=['view=0', 'buy=2']"});
  EXPECT_EQ(result.out, "user\tposition\titem\tscore\tbasis\nzoe\t1\t8\t3.77273\tfold-in\n")
      << result.err;
}

TEST_F(Usage, RecommendSaysWhyAHistoryIsOfNoUse) {
  const auto complaint = [&](const std::string& text) {
    const std::string file = directory_.write("new.csv", text);
    const ProgramResult result = factorps({"recommend", model_, "--history", file});
    EXPECT_EQ(result.exit_code, 3);
    return result.err;
  };
  EXPECT_EQ(complaint("user,item,rating\nzoe,7,5\n"),
            "factorps: error: " + model_ +
                ": does not say how it was trained, expected a model of factorps train\n");
  write_model(model_, "any", false, small_contents().user_ids, kTrainedBySgd);
  EXPECT_EQ(complaint("user,item\nzoe,7\n"),
            "factorps: error: " + (directory_ / "new.csv").string() +
                ": has no values, expected user, item and value: the model was trained on them\n");
  write_model(model_, "any", false, small_contents().user_ids, "train.sorcery = 1\n");
  EXPECT_NE(complaint("user,item,rating\nzoe,7,5\n")
                .find("its settings of training are not those of this version: "),
            std::string::npos);
}

// --- which items --------------------------------------------------------------------------------

/// The small dataset with attributes: a department and a price per item, a town per user.
void write_attributes(const std::string& path) {
  DatasetContents contents = small_contents();
  contents.item_attributes = {
      {"department", AttributeKind::category, {"bread", "fruit"}, {0, 1, 2, 3, 3}, {1, 1, 0}, {}},
      {"price", AttributeKind::number, {}, {}, {}, {1, 2.5F, 4, std::nanf("")}}};
  contents.user_attributes = {
      {"town", AttributeKind::category, {"bonn", "ulm"}, {0, 1, 2, 3}, {0, 1, 1}, {}}};
  write_dataset(path, contents);
}

/// "7 8 10", the items of one user.
std::string items_of(const std::string& user, const std::string& tsv) {
  std::istringstream lines{tsv};
  std::string items;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(user + '\t')) continue;
    const std::size_t begin = line.find('\t', user.size() + 1) + 1;
    if (!items.empty()) items += ' ';
    items += line.substr(begin, line.find('\t', begin) - begin);
  }
  return items;
}

TEST_F(Usage, RecommendFiltersItems) {
  write_attributes(dataset_);
  const std::string some = directory_.write("some.txt", "9\r\n\n8\n77\n");
  const auto of_anna = [&](std::vector<std::string> filter) {
    std::vector<std::string> command{"recommend",      model_,      "--all",
                                     "--include-seen", "--dataset", dataset_};
    command.insert(command.end(), filter.begin(), filter.end());
    const ProgramResult result = factorps(command);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return items_of("anna", result.out);
  };
  EXPECT_EQ(of_anna({}), "10 7 8 9");
  EXPECT_EQ(of_anna({"--items", some}), "8 9");
  EXPECT_EQ(of_anna({"--without", some}), "10 7");
  EXPECT_EQ(of_anna({"--items", some, "--min-popularity", "1"}), "8");
  EXPECT_EQ(of_anna({"--where", "department=fruit"}), "7 8");
  EXPECT_EQ(of_anna({"--where", "department=fruit", "--where", "department=bread"}), "7 8 9");
  EXPECT_EQ(of_anna({"--where", "price>=2", "--where", "price<=4"}), "8 9");
  EXPECT_EQ(of_anna({"--where", "department=fruit", "--where", "price>=2"}), "8");
  EXPECT_EQ(of_anna({"--quota", "department=1"}), "10 7 9");
  EXPECT_EQ(of_anna({"--quota", "department=1", "-k", "1"}), "10");
}

TEST_F(Usage, RecommendQuotasLookAsFarDownAsTheyMust) {
  write_large_model(model_);
  DatasetContents contents;
  std::vector<std::int64_t> ids(300);
  for (std::int64_t n = 0; n < 300; ++n) ids[static_cast<std::size_t>(n)] = n * n;
  contents.user_ids = IdTable::of_integers({0});
  contents.item_ids = IdTable::of_integers(ids);
  contents.grid = {{0, 1}, {0, 300}};
  contents.interactions.users.push_back(0);
  contents.interactions.items.push_back(0);
  contents.interactions.values.push_back(1);
  contents.interactions.parts.push_back(Part::train);
  // All but the last three items are of one brand.
  Attribute brand{"brand", AttributeKind::category, {"big", "small"}, {0}, {}, {}};
  for (std::uint32_t item = 0; item < 300; ++item) {
    brand.codes.push_back(item < 297 ? 0 : 1);
    brand.offsets.push_back(item + 1);
  }
  contents.item_attributes = {brand};
  write_dataset(dataset_, contents);
  const std::string users = directory_.write("users.txt", "25\n");
  const std::vector<std::string> command{"recommend",      model_,      "--users", users,
                                         "--include-seen", "--dataset", dataset_};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), command.begin(), command.end());
    return factorps(more).out;
  };
  // What the quota allows, from the complete ranking.
  std::istringstream ranked{items_of("25", with({"-k", "300"}))};
  std::string expected;
  int big = 0;
  int small = 0;
  constexpr std::int64_t kLimit = std::int64_t{297} * 297;
  for (std::int64_t item = 0; ranked >> item && big + small < 5;) {
    int& taken = item < kLimit ? big : small;
    if (taken == 3) continue;
    ++taken;
    if (!expected.empty()) expected += ' ';
    expected += std::to_string(item);
  }
  EXPECT_EQ(small, 2);
  EXPECT_EQ(items_of("25", with({"-k", "5", "--quota", "brand=3"})), expected);
}

TEST_F(Usage, RecommendSaysWhatIsWrongWithAFilter) {
  write_attributes(dataset_);
  const auto complaint = [&](const std::string& option, const std::string& value, int code = 2) {
    const ProgramResult result =
        factorps({"recommend", model_, "--all", "--dataset", dataset_, option, value});
    EXPECT_EQ(result.exit_code, code) << value;
    return result.err;
  };
  EXPECT_EQ(complaint("--where", "colour=red"),
            "factorps: error: " + dataset_ +
                ": items have no attribute colour, expected one of: department, price\n");
  EXPECT_EQ(
      complaint("--where", "price=2"),
      "factorps: error: --where price=2: the attribute is of kind number, expected >= or <=\n");
  EXPECT_EQ(complaint("--where", "price"),
            "factorps: error: --where price: expected NAME=TEXT, NAME>=NUMBER or NAME<=NUMBER\n");
  for (const std::string quota : {"department=0", "department=1e300", "department=2.5"}) {
    EXPECT_EQ(complaint("--quota", quota),
              "factorps: error: --quota " + quota + ": expected NAME=N with N from 1 on\n");
  }
  EXPECT_EQ(
      complaint("--fallback-by", "age"),
      "factorps: error: " + dataset_ + ": users have no attribute age, expected one of: town\n");
  EXPECT_EQ(complaint("--items", directory_ / "none.txt", 3),
            "factorps: error: " + std::string{directory_ / "none.txt"} +
                ": cannot read the file of items\n");
}

TEST_F(Usage, RecommendFallsBackToWhatIsPopularInTheSegment) {
  write_attributes(dataset_);
  const ProgramResult result = factorps(
      {"recommend", model_, "--all", "--dataset", dataset_, "--fallback-by", "town", "-k", "1"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  // cleo is from ulm, like bert, who has item 10.
  EXPECT_NE(result.out.find("cleo\t1\t10\t1\tpopularity:town=ulm\n"), std::string::npos)
      << result.out;
}

// --- what becomes of the lists ------------------------------------------------------------------

TEST_F(Usage, RecommendWritesHdf5) {
  const std::string out = directory_ / "lists.h5";
  const std::vector<std::string> command{"recommend", model_, "--all", "-k", "3",
                                         "--format",  "hdf5", "--out", out};
  ASSERT_EQ(factorps(command).exit_code, 0);
  ASSERT_EQ(factorps(command).exit_code, 0);  // replaces lists, but no model
  const h5::File file = h5::File::open(out);
  EXPECT_EQ(file.text("/", "model_sha256"), Model{model_}.sha256());
  EXPECT_EQ(IdTable::read(file, "/users").text(1), "bert");
  EXPECT_EQ(IdTable::read(file, "/items").text(3), "10");
  constexpr std::uint32_t kNone = 0xFFFF'FFFF;
  EXPECT_EQ(file.read<std::uint32_t>("/lists/items"),
            (std::vector<std::uint32_t>{3, 2, kNone, 1, 2, 0, 0, 1, 3}));
  EXPECT_EQ(file.read<std::uint8_t>("/lists/basis"), (std::vector<std::uint8_t>{0, 0, 2}));
  const auto scores = file.read<float>("/lists/scores");
  EXPECT_EQ(scores[0], 5.5F);
  EXPECT_TRUE(std::isnan(scores[2]));
  const ProgramResult refused =
      factorps({"recommend", model_, "--all", "--format", "hdf5", "--out", dataset_});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_EQ(refused.err, "factorps: error: " + dataset_ +
                             ": is an HDF5 file, expected another name for the output\n");
}

TEST_F(Usage, RecommendGoesOnWhereItWasInterrupted) {
  write_large_model(model_);
  const std::string out = directory_ / "lists.tsv";
  const std::vector<std::string> rest{"--all", "-k", "5", "--include-seen"};
  std::vector<std::string> command{"recommend", model_, "--out", out};
  command.insert(command.end(), rest.begin(), rest.end());
  const std::string whole =
      factorps({"recommend", model_, "--all", "-k", "5", "--include-seen"}).out;
  // A file may have no more than 400 KiB: that is two batches of 1024 users.
  std::vector<std::string> limited{"bash", "-c", "trap '' XFSZ; ulimit -f 400; exec \"$@\"", "bash",
                                   executable()};
  limited.insert(limited.end(), command.begin(), command.end());
  const ProgramResult full = run_program(limited);
  EXPECT_EQ(full.exit_code, 5);
  EXPECT_NE(full.err.find("--resume goes on with the first 2048 users"), std::string::npos)
      << full.err;
  EXPECT_FALSE(std::filesystem::exists(out));
  const auto state = nlohmann::json::parse(read_text(out + ".partial.json"));
  EXPECT_EQ(state["done"], 2048);

  auto other = command;
  other.insert(other.end(), {"--resume", "-k", "4"});
  other.erase(std::ranges::find(other, "-k"), std::ranges::find(other, "-k") + 2);
  const ProgramResult refused = factorps(other);
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_NE(refused.err.find("is of another model, other users or other options"),
            std::string::npos)
      << refused.err;

  command.emplace_back("--resume");
  EXPECT_EQ(factorps_ranks(2, command).exit_code, 0);  // on another number of ranks
  EXPECT_TRUE(read_text(out) == whole);
  EXPECT_FALSE(std::filesystem::exists(out + ".partial"));
  EXPECT_FALSE(std::filesystem::exists(out + ".partial.json"));
}

// --- similar and explain ------------------------------------------------------------------------

TEST_F(Usage, SimilarRanksItemsByTheirFactors) {
  const std::string config = directory_.write("run.toml", "[run]\ndir = '.'\n");
  const ProgramResult result = factorps({"similar", model_, "7", "8", "-k", "2"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  // Of one column, all cosines are 1; 9 has no interactions.
  EXPECT_EQ(result.out,
            "item\tposition\tsimilar\tcosine\n"
            "7\t1\t8\t1\n7\t2\t10\t1\n8\t1\t7\t1\n8\t2\t10\t1\n");
  EXPECT_EQ(factorps({"similar", "--config", config, "7", "8", "-k", "2"}).out, result.out);
  EXPECT_EQ(factorps({"similar", model_, "7", "--json", "-k", "1"}).out,
            "{\"item\":\"7\",\"position\":1,\"similar\":\"8\",\"cosine\":1.0}\n");
  const ProgramResult unknown = factorps({"similar", model_, "77"});
  EXPECT_EQ(unknown.exit_code, 3);
  EXPECT_EQ(unknown.err, "factorps: error: item '77' is not in the model " + model_ + "\n");
  EXPECT_EQ(factorps({"similar", model_}).err, "factorps: error: expected ITEM...\n");
}

TEST_F(Usage, ExplainAttributesScoresOfLeastSquares) {
  const ProgramResult silent = factorps({"explain", model_, "anna", "10"});
  EXPECT_EQ(silent.exit_code, 3);
  write_model(model_, "any", true, small_contents().user_ids,
              "train.solver = \"ials\"\nevaluate.metric = \"ndcg@1\"\ntrain.l2 = 0.5\n"
              "ials.unobserved_weight = 0.2\n");
  const ProgramResult result = factorps({"explain", model_, "anna", "10"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  // A = 0.2 (1 + 0.25 + 4) + (1 + 0.25) + 0.5 (2 + 0.2 x 3) = 3.6; item 7 adds 2 x 1 / 3.6, item
  // 8 half of that. The model's own score is 3 + 0.5 + 2.
  EXPECT_EQ(result.out,
            "# user anna, item 10: score 5.5\n"
            "# attribution: the contributions of the 2 items of the history add up to 0.833333\n"
            "position\titem\tcontribution\n1\t7\t0.555556\n2\t8\t0.277778\n");
  EXPECT_EQ(factorps({"explain", model_, "anna", "10", "--dataset", dataset_}).out, result.out);
  EXPECT_EQ(factorps({"explain", model_, "cleo", "10"}).exit_code, 0);  // has nothing
}

TEST_F(Usage, ExplainOfOtherLossesSaysThatItApproximates) {
  write_model(model_, "any", false, small_contents().user_ids, kTrainedBySgd);
  const ProgramResult missing = factorps({"explain", model_, "bert", "8"});
  EXPECT_EQ(missing.exit_code, 3);
  EXPECT_NE(missing.err.find("does not hold what users have: expected --dataset DATASET"),
            std::string::npos)
      << missing.err;
  const ProgramResult result =
      factorps({"explain", model_, "bert", "8", "--dataset", dataset_, "--json"});
  EXPECT_EQ(result.out,
            "{\"user\":\"bert\",\"item\":\"8\",\"score\":3.25,\"kind\":\"approximation\","
            "\"history\":[{\"item\":\"10\",\"cosine\":1.0}]}\n");
}

}  // namespace
}  // namespace factorps::test

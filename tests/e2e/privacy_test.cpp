// What files say of people, and who may read them.
#include <algorithm>

#include "tests/e2e/training_fixture.hpp"

namespace factorps::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// A training on data whose users are called customer0 ... customer39, with a key.
class Privacy : public testing::Test {
 protected:
  Privacy() {
    std::string rows;
    for (int n = 0; n < 1000; ++n) {
      rows += "customer" + std::to_string(n * 7 % 40) + ",article" + std::to_string(n * 11 % 31) +
              ',' + std::to_string(n % 5 + 1) + '\n';
    }
    directory_.write("ratings.csv", rows);
    fs::permissions(directory_.write("key", "0123456789abcdef0123456789abcdef"),
                    fs::perms::owner_read | fs::perms::owner_write);
  }
  void configure(const std::string& more) {
    config_ = directory_.write("run.toml", "[data]\nsource = 'ratings.csv'\n" + more +
                                               "[grid]\nstrips = 4\nblocks = 3\n[model]\ndim = 8\n"
                                               "[train]\nepochs = 2\n[run]\ndir = 'run'\n");
  }
  ProgramResult expect_done(const std::vector<std::string>& arguments) const {
    ProgramResult result = factorps(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result;
  }
  ProgramResult train(const std::vector<std::string>& settings = {}) const {
    expect_done({"prepare", config_, "--quiet"});
    std::vector<std::string> arguments{"train", config_, "--quiet"};
    for (const std::string& setting : settings)
      arguments.insert(arguments.end(), {"--set", setting});
    return expect_done(arguments);
  }
  /// Files below the directory, but the raw ones, that hold a text.
  std::vector<std::string> files_with(const std::string& text) const {
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator{directory_.path()}) {
      const std::string name = entry.path().filename();
      if (!entry.is_regular_file() || name == "ratings.csv" || name == "key" || name == "users")
        continue;
      if (read_text(entry.path()).find(text) != std::string::npos) found.push_back(name);
    }
    return found;
  }
  json inspect(const std::string& file) const {
    return json::parse(expect_done({"inspect", directory_ / file, "--json"}).out);
  }
  std::vector<std::string> recommend(const std::string& asked,
                                     const std::vector<std::string>& more = {}) const {
    const auto users = directory_.write("users", asked);
    std::vector<std::string> arguments{"recommend", "--config", config_, "--users",
                                       users,       "-k",       "3"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProgramResult result = expect_done(arguments);
    return {result.out, result.err};
  }

  TemporaryDirectory directory_;
  std::string config_;
};

const std::string kKey = "id_key_file = 'key'\n";

TEST_F(Privacy, WithAKeyNoFileHoldsTheIdOfAUser) {
  configure(kKey);
  train();
  EXPECT_EQ(files_with("customer"), std::vector<std::string>{});
  EXPECT_EQ(files_with("0123456789abcdef"), std::vector<std::string>{});  // nor the key
  EXPECT_FALSE(files_with("article").empty());
  for (const char* file : {"dataset.h5", "run/model.h5"}) {
    const json said = inspect(file).at("personal_data");
    EXPECT_TRUE(said.at("user_ids").get<std::string>().starts_with("keyed hashes (key ")) << said;
    EXPECT_EQ(said.at("item_ids"), "as they came");
  }
}

TEST_F(Privacy, WithTheKeyUsersAreAskedForByTheirIds) {
  configure(kKey);
  train();
  const std::string with_key = recommend("customer7\n")[0];
  EXPECT_NE(with_key.find("customer7\t1\tarticle"), std::string::npos) << with_key;
  EXPECT_NE(with_key.find("\tfactors\n"), std::string::npos) << with_key;
  EXPECT_NE(recommend("customer8\n")[0].substr(with_key.find("\t1\t")),
            with_key.substr(with_key.find("\t1\t")));
}

TEST_F(Privacy, WithoutTheKeyNobodyIsFound) {
  configure(kKey);
  train();
  configure("");  // whoever was given the model only
  const auto said = recommend("customer7\n");
  EXPECT_NE(said[0].find("\tpopularity\n"), std::string::npos) << said[0];
  EXPECT_NE(said[1].find("ids are keyed hashes here"), std::string::npos) << said[1];
}

TEST_F(Privacy, AnotherKeyIsRefused) {
  configure(kKey);
  train();
  fs::permissions(directory_.write("key", "another key than that"), fs::perms::owner_all);
  fs::permissions(directory_ / "key", fs::perms::owner_read);
  const auto users = directory_.write("users", "customer7\n");
  const ProgramResult result = factorps({"recommend", "--config", config_, "--users", users});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(result.err.find("another key than ids were hashed with"), std::string::npos)
      << result.err;
}

TEST_F(Privacy, AModelWithoutIdsAnswersInRows) {
  configure("");
  train({"run.store_ids=none"});
  EXPECT_TRUE(std::ranges::count(files_with("customer"), "model.h5") == 0);
  EXPECT_TRUE(std::ranges::count(files_with("article"), "model.h5") == 0);
  EXPECT_EQ(inspect("run/model.h5").at("personal_data").at("user_ids"), "none");
  const std::string answer = recommend("row:7\n")[0];
  EXPECT_NE(answer.find("row:7\t1\trow:"), std::string::npos) << answer;
  const auto by_id = recommend("customer7\n7\n");
  EXPECT_EQ(by_id[0].find("\tfactors\n"), std::string::npos) << by_id[0];  // not row 7
  EXPECT_NE(by_id[1].find("rows are called row:0"), std::string::npos) << by_id[1];
}

TEST_F(Privacy, AModelMayKeepTheIdsOfItemsAlone) {
  configure("");
  train({"run.store_ids=items"});
  const std::string answer = recommend("row:7\n")[0];
  EXPECT_NE(answer.find("row:7\t1\tarticle"), std::string::npos) << answer;
}

TEST_F(Privacy, APrivateRunIsItsOwnersAlone) {
  configure("");
  train({"run.private=true"});
  std::size_t files = 0;
  constexpr fs::perms kOthers = fs::perms::group_all | fs::perms::others_all;
  for (const auto& entry : fs::recursive_directory_iterator{directory_ / "run"}) {
    EXPECT_EQ(entry.status().permissions() & kOthers, fs::perms::none) << entry.path();
    ++files;
  }
  EXPECT_GT(files, 5U);
  EXPECT_EQ(fs::status(directory_ / "run").permissions(), fs::perms::owner_all);
}

TEST_F(Privacy, ADirectoryThatIsThereBecomesPrivate) {
  configure("");
  fs::create_directory(directory_ / "run");
  fs::permissions(directory_ / "run", fs::perms::all);
  train({"run.private=true"});
  EXPECT_EQ(fs::status(directory_ / "run").permissions(), fs::perms::owner_all);
}

}  // namespace
}  // namespace factorps::test

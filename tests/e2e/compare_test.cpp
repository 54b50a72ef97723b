/// compare, on files that evaluate has written and on bad ones.
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/e2e/factorps.hpp"
#include "tests/support/synthetic_dataset.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps::test {
namespace {

class Compare : public testing::Test {
 protected:
  Compare() { write_synthetic(dataset_, {200, 70, 4, 3, 21, 1}); }

  /// Evaluates a baseline. @return the file of its users
  std::string users_of(const std::string& baseline, std::vector<std::string> more = {}) {
    std::string file = directory_ / (baseline + std::to_string(files_++) + ".tsv");
    more.insert(more.begin(), {"evaluate", "--baseline", baseline, dataset_, "--per-user", file});
    const ProgramResult result = factorps(more);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return file;
  }

  TemporaryDirectory directory_;
  std::string dataset_ = directory_ / "dataset.h5";
  int files_ = 0;
};

TEST_F(Compare, RankingsOfTheSameUsers) {
  const std::string a = users_of("popular", {"--at", "5"});
  const std::string b = users_of("item-knn", {"--at", "5,10"});
  const ProgramResult result = factorps({"compare", a, b, "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto all = nlohmann::json::parse(result.out);
  const auto& recall = all["metrics"]["recall@5"];
  EXPECT_NEAR(recall["b"].get<double>() - recall["a"].get<double>(),
              recall["difference"].get<double>(), 1e-12);
  EXPECT_LE(recall["interval"][0], recall["difference"]);
  EXPECT_GE(recall["interval"][1], recall["difference"]);
  EXPECT_GT(all["protocol"]["users"], 100);
  EXPECT_EQ(all["protocol"]["users_only_in_a"], 0);
  EXPECT_EQ(all["protocol"]["metrics_in_one_file_only"][0], "precision@10");
  EXPECT_EQ(factorps({"compare", a, b, "--json"}).out, result.out);
  EXPECT_NE(factorps({"compare", a, b, "--json", "--seed", "2"}).out, result.out);
  EXPECT_NE(factorps({"compare", a, b}).out.find("recall@5"), std::string::npos);
}

TEST_F(Compare, CountsUsersOfOneFileOnly) {
  const std::string a = users_of("user-mean");
  std::string text = read_text(a);
  text.erase(text.rfind('\n', text.size() - 2) + 1);
  const std::string b = directory_.write("b.tsv", text + "nobody\t1\t1\t1\t1\t1\t1\n");
  const ProgramResult result = factorps({"compare", a, b, "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto how = nlohmann::json::parse(result.out)["protocol"];
  EXPECT_EQ(how["users_only_in_a"], 1);
  EXPECT_EQ(how["users_only_in_b"], 1);
}

TEST_F(Compare, RefusesFilesThatCannotBeCompared) {
  const std::string a = users_of("popular", {"--at", "5"});
  const auto error = [&](const std::string& b) {
    const ProgramResult result = factorps({"compare", a, b});
    EXPECT_EQ(result.exit_code, 3);
    return result.err;
  };
  EXPECT_NE(error(users_of("popular", {"--at", "5", "--pessimistic"}))
                .find("ties is \"pessimistic\", but \"expected over random order\""),
            std::string::npos);
  EXPECT_NE(error(users_of("popular", {"--at", "5", "--part", "validation"}))
                .find("part is \"validation\", but \"test\""),
            std::string::npos);
  const std::string text = read_text(a);
  const std::string head = text.substr(0, text.find('\n') + 1);
  const auto with = [&](const std::string& rest) {
    return error(directory_.write("bad.tsv", rest));
  };
  EXPECT_NE(with("user\trecall@5\n").find("bad.tsv:1: expected '# ' and the protocol"),
            std::string::npos);
  EXPECT_NE(with(head + "user\n").find("bad.tsv:2: no column precision@5"), std::string::npos);
  EXPECT_NE(with(text + "x\t1\n").find(": 2 columns, expected "), std::string::npos);
  const std::string line = text.substr(text.rfind('\n', text.size() - 2) + 1);
  EXPECT_NE(with(text + line).find("a second time"), std::string::npos);
  std::string bad = line;
  bad.replace(bad.rfind('\t') + 1, std::string::npos, "ten\n");
  EXPECT_NE(with(text + "new" + bad).find("'ten', expected a number"), std::string::npos);
  EXPECT_NE(error(directory_ / "none.tsv").find("none.tsv: cannot read"), std::string::npos);
}

}  // namespace
}  // namespace factorps::test

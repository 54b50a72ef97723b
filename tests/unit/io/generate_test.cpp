#include "io/generate.hpp"

#include <cmath>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "common/error.hpp"
#include "io/generate/item_sampler.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps {
namespace {

struct Rating {
  int user;
  int item;
  double value;
};

std::vector<Rating> read(const std::filesystem::path& path) {
  std::istringstream in{test::read_text(path)};
  std::string line;
  std::getline(in, line);
  EXPECT_EQ(line, "user,item,rating");
  std::vector<Rating> ratings;
  char comma = ',';
  for (Rating r{}; in >> r.user >> comma >> r.item >> comma >> r.value;) ratings.push_back(r);
  return ratings;
}

class Generate : public testing::Test {
 protected:
  Generate() {
    settings_.users = 300;
    settings_.items = 200;
    settings_.interactions = 12000;
    settings_.prefix = directory_ / "g";
  }
  [[nodiscard]] std::filesystem::path train() const { return directory_ / "g.train.csv"; }
  [[nodiscard]] std::filesystem::path test() const { return directory_ / "g.test.csv"; }
  test::TemporaryDirectory directory_;
  GenerateSettings settings_;
};

TEST_F(Generate, WritesExactlyWhatWasOrdered) {
  const GenerateReport report = generate(settings_);
  std::vector<Rating> all = read(train());
  const std::vector<Rating> tested = read(test());
  EXPECT_EQ(all.size(), report.train_rows);
  EXPECT_EQ(tested.size(), report.test_rows);
  all.insert(all.end(), tested.begin(), tested.end());
  EXPECT_EQ(all.size(), 12000U);
  std::set<std::pair<int, int>> pairs;
  std::set<int> users;
  double sum = 0;
  for (const Rating& r : all) {
    EXPECT_TRUE(pairs.emplace(r.user, r.item).second) << r.user << ' ' << r.item;
    users.insert(r.user);
    EXPECT_TRUE(r.item >= 1 && r.item <= 200 && r.value >= 0.5 && r.value <= 5);
    sum += r.value;
  }
  EXPECT_EQ(users.size(), 300U);
  EXPECT_EQ(*users.rbegin(), 300);
  EXPECT_NEAR(report.mean, sum / 12000, 1e-9);
  EXPECT_NEAR(report.standard_deviation, 1, 0.25);
  // Binomial with probability 0.1: 4 standard deviations.
  EXPECT_NEAR(static_cast<double>(report.test_rows), 1200, 4 * std::sqrt(12000 * 0.09));
}

TEST_F(Generate, IsAFunctionOfItsSettings) {
  generate(settings_);
  const std::string first = test::read_text(train());
  generate(settings_);
  EXPECT_EQ(test::read_text(train()), first);
  settings_.seed = 2;
  generate(settings_);
  EXPECT_NE(test::read_text(train()), first);
}

TEST_F(Generate, HalfStarsAreHalfStars) {
  settings_.half_stars = true;
  generate(settings_);
  std::set<double> values;
  for (const Rating& r : read(train())) values.insert(r.value);
  EXPECT_EQ(values, (std::set<double>{0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5}));
}

TEST_F(Generate, TheNoiseFloorIsTheErrorOfThePlantedPart) {
  settings_.noise = 0;
  const double rounding = generate(settings_).noise_floor_rmse;  // only thousandths
  EXPECT_GT(rounding, 0);
  EXPECT_LT(rounding, 0.0005);
  settings_.half_stars = true;
  // Rounding to steps of 1/2 errs uniformly by up to 1/4; less where ratings are cut off at 5.
  EXPECT_NEAR(generate(settings_).noise_floor_rmse, 0.5 / std::sqrt(12.0), 0.015);
  settings_.half_stars = false;
  settings_.noise = 0.5;
  EXPECT_NEAR(generate(settings_).noise_floor_rmse, 0.5, 0.04);
}

TEST_F(Generate, SomeUsersAndItemsAreMuchBusierThanOthers) {
  generate(settings_);
  std::map<int, int> users;
  std::map<int, int> items;
  for (const Rating& r : read(train())) {
    ++users[r.user];
    ++items[r.item];
  }
  const auto most = [](const std::map<int, int>& counts) {
    int best = 0;
    for (const auto& [id, count] : counts) best = std::max(best, count);
    return best;
  };
  EXPECT_GE(most(users), 80);   // the mean is 36
  EXPECT_GE(most(items), 150);  // the mean is 54
}

TEST_F(Generate, RefusesWhatCannotBe) {
  settings_.interactions = 299;  // fewer than users
  EXPECT_THROW(generate(settings_), ConfigError);
  settings_.interactions = 30001;  // more than half of all pairs
  EXPECT_THROW(generate(settings_), ConfigError);
  settings_.interactions = 12000;
  settings_.prefix = directory_ / "missing" / "g";
  EXPECT_THROW(generate(settings_), ResourceError);
}

TEST(ItemSampler, BothWaysDrawFromTheSameLaw) {
  // 64 items: up to 4 draws go by rejection, more by keys. How often is each item among the first
  // 4?
  ItemSampler sampler{64, 3};
  SplitMix random{5};
  constexpr int kTrials = 20000;
  std::vector<std::uint32_t> drawn;
  std::vector<double> by_rejection(64, 0);
  std::vector<double> by_keys(64, 0);
  for (int trial = 0; trial < kTrials; ++trial) {
    sampler.draw(4, random, drawn);
    for (const std::uint32_t item : drawn) ++by_rejection[item];
    sampler.draw(5, random, drawn);
    for (std::size_t k = 0; k < 4; ++k) ++by_keys[drawn[k]];
  }
  for (std::size_t item = 0; item < 64; ++item) {
    // Two binomial counts of about equal mean m differ by a standard deviation of sqrt(2 m) at
    // most.
    EXPECT_NEAR(by_rejection[item], by_keys[item], 5 * std::sqrt(2 * by_keys[item])) << item;
  }
}

}  // namespace
}  // namespace factorps

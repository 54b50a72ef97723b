/// Returns, thresholds, values that become 1 and values that lose weight with time.
#include <cmath>

#include "io/prepare/decay.hpp"
#include "tests/unit/io/prepare/prepare_fixture.hpp"
#include "tests/unit/io/prepare/rows.hpp"

namespace factorps {
namespace {

using test::contents_of;

class Values : public test::Prepare {
 protected:
  Values() { config_.split.method = "none"; }
  /// "user:item=value" of a part.
  std::string rows(Part part = Part::train) {
    const test::Contents contents = contents_of(run());
    std::string text;
    if (!contents.contains(part)) return text;
    for (const auto& [pair, value] : contents.at(part))
      text += fmt::format("{}{}:{}={}", text.empty() ? "" : " ", pair.first, pair.second, value);
    return text;
  }
  std::string step(const std::string& name) {
    const PrepareSummary summary = prepare(config_)->summary;
    for (const CleaningStep& step : summary.steps) {
      if (step.name == name) return fmt::format("{} -> {}", step.before.rows, step.after.rows);
    }
    return "no such step";
  }
  /// Bought twice and one given back; never given back; all given back; more given back than
  /// bought; a gift of nothing.
  void shop() {
    config_.data.source = {directory_.write(
        "shop", "1,7,2\n1,8,5\n1,7,2\n1,7,-1\n2,7,3\n2,7,-3\n3,7,-2\n3,8,4\n4,8,0\n")};
    config_.clean.duplicates = "sum";
  }
};

TEST_F(Values, ReturnsAreKept) {
  shop();
  EXPECT_EQ(rows(), "1:7=3 1:8=5 2:7=0 3:7=-2 3:8=4 4:8=0");
}

TEST_F(Values, ReturnsAreDropped) {
  shop();
  config_.clean.returns = "drop";
  EXPECT_EQ(rows(), "1:7=4 1:8=5 2:7=3 3:8=4 4:8=0");
  EXPECT_EQ(step("returns drop"), "9 -> 6");
}

TEST_F(Values, ReturnsAreTakenOff) {
  shop();
  config_.clean.returns = "net";
  EXPECT_EQ(rows(), "1:7=3 1:8=5 3:8=4");
  EXPECT_EQ(step("returns net"), "6 -> 3");
}

TEST_F(Values, ReturnsOfTestFilesAreTakenOffThere) {
  shop();
  config_.clean.returns = "net";
  config_.split.method = "given";
  config_.data.test = {directory_.write("test", "1,8,1\n1,8,-1\n2,8,2\n2,8,-1\n")};
  EXPECT_EQ(rows(), "1:7=3 1:8=5 3:8=4");
  EXPECT_EQ(rows(Part::test), "2:8=1");
}

TEST_F(Values, BelowTheThresholdAreDroppedAfterDuplicatesAreMerged) {
  config_.data.source = {
      directory_.write("ratings", "1,7,3\n1,7,4\n1,8,4\n1,8,3.5\n2,7,5\n2,8,2\n")};
  config_.clean.threshold = 4;
  EXPECT_EQ(rows(), "1:7=4 2:7=5");  // the last of each pair
  EXPECT_EQ(step("threshold 4"), "4 -> 2");
  config_.clean.duplicates = "sum";
  EXPECT_EQ(rows(), "1:7=7 1:8=7.5 2:7=5");
}

TEST_F(Values, AreComparedWithTheThresholdAsFloats) {
  config_.data.source = {directory_.write("ratings", "1,7,0.7\n1,8,0.6999\n")};
  config_.clean.threshold = 0.7;  // above the float next to it
  EXPECT_EQ(rows(), "1:7=0.7");
}

TEST_F(Values, BecomeOne) {
  config_.data.source = {directory_.write("ratings", "1,7,3\n1,8,4\n2,7,5\n")};
  config_.clean.min_value = 1;
  config_.clean.max_value = 5;
  config_.clean.threshold = 4;
  config_.clean.binary = true;
  EXPECT_EQ(rows(), "1:8=1 2:7=1");
  const Dataset data{config_.data.dataset};
  EXPECT_EQ(data.value_min(), 1.0F);
  EXPECT_EQ(data.value_max(), 1.0F);  // not the 5 of the file
}

TEST(Decay, HalvesTrainingValuesByTheirAge) {
  constexpr std::int64_t kDay = 86400;
  GroupedRows data = test::grouped({{0, 1, 4, 10 * kDay},
                                    {0, 2, 4, 0},
                                    {1, 2, -4, 5 * kDay},
                                    {1, 3, 4, 900 * kDay},
                                    {1, 4, 3, 20 * kDay}});
  data.parts[3] = Part::test;  // the latest of all, which must not be looked at
  data.parts[4] = Part::validation;
  decay_values(data, 5);
  EXPECT_EQ(data.rows.values[0], 4.0F);  // the latest to train on
  EXPECT_EQ(data.rows.values[1], 1.0F);
  EXPECT_EQ(data.rows.values[2], -2.0F);
  EXPECT_EQ(data.rows.values[3], 4.0F);
  EXPECT_EQ(data.rows.values[4], 3.0F);
}

TEST(Decay, OfAnyAgeIsFinite) {
  constexpr std::int64_t kMost = std::int64_t{1} << 62;
  GroupedRows data = test::grouped({{0, 1, -5, 0}, {0, 2, 5, kMost}});
  decay_values(data, 1e-6);
  EXPECT_EQ(data.rows.values[0], 0.0F);
  EXPECT_FALSE(std::signbit(data.rows.values[0]));
  EXPECT_EQ(data.rows.values[1], 5.0F);
}

TEST_F(Values, LoseWeightWithTimeAfterTheSplit) {
  config_.data.source = {directory_.write(
      "ratings", "1,7,4,0\n1,8,4,864000\n1,9,4,1728000\n2,7,2,864000\n2,8,5,1728001\n")};
  config_.clean.half_life_days = 10;
  config_.clean.max_value = 5;
  config_.split.method = "leave_last";
  EXPECT_EQ(rows(), "1:7=2 1:8=4 2:7=2");
  EXPECT_EQ(rows(Part::test), "1:9=4 2:8=5");
  const Dataset data{config_.data.dataset};
  EXPECT_EQ(data.value_min(), 2.0F);
  EXPECT_EQ(data.value_max(), 4.0F);  // of what is trained on
  EXPECT_DOUBLE_EQ(data.train_mean(), 8.0 / 3);
}

TEST_F(Values, NeedTimesToLoseWeight) {
  config_.data.source = {directory_.write("ratings", "1,7,4\n")};
  config_.clean.half_life_days = 10;
  EXPECT_NE(error().find("no time column (data.time), which clean.half_life_days needs"),
            std::string::npos)
      << error();
}

TEST_F(Values, RowsWithoutAUserAreCounted) {
  config_.data.source = {directory_.write("log", "1,7,4\n,7,4\n,8,oops\n\"\",9,2\n2,8,1\n")};
  config_.data.format = "csv";
  EXPECT_NE(error().find("log:2: the user (field 1) is empty"), std::string::npos);
  config_.clean.drop_without_user = true;
  EXPECT_EQ(rows(), "1:7=4 2:8=1");
  const PrepareSummary summary = prepare(config_)->summary;
  EXPECT_EQ(summary.skipped.no_user, 3U);
  EXPECT_EQ(summary.bad.count, 0U);
  EXPECT_NE(to_text(summary).find(" 3 rows without a user left out\n"), std::string::npos);
  EXPECT_NE(to_json(summary).find(R"("no_user": 3)"), std::string::npos);
  config_.data.source = {directory_.write("log", ",7,4\n")};
  EXPECT_EQ(error(),
            "the files hold no interaction that counts: 0 rows are events of weight 0, 1 have no "
            "user");
}

TEST_F(Values, OfAShopsLogAreNetOfReturns) {
  const auto log = test::shared_data("online-retail/online_retail.csv.gz");
  if (!std::filesystem::exists(log)) GTEST_SKIP() << log << " is not there";
  config_.data.source = {log};
  config_.data.user = "CustomerID";
  config_.data.item = "StockCode";
  config_.data.value = "Quantity";
  config_.data.time = "InvoiceDate";
  config_.clean.drop_without_user = true;
  config_.clean.returns = "net";
  config_.clean.duplicates = "sum";
  const PrepareSummary net = prepare(config_)->summary;
  EXPECT_EQ(net.lines, 541909U);
  EXPECT_EQ(net.skipped.no_user, 135080U);
  EXPECT_EQ(net.bad.count, 0U);
  EXPECT_EQ(net.train, 265220U);  // counted by hand from the file: pairs with a sum above 0
  EXPECT_EQ(net.all.users, 4326U);
  EXPECT_EQ(net.all.items, 3649U);
  config_.clean.returns = "drop";
  EXPECT_EQ(step("returns drop"), "406829 -> 397924");  // 8,905 lines of negative quantity
}

}  // namespace
}  // namespace factorps

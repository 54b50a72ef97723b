#include "io/prepare/prepare.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "common/error.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/unit/io/prepare/prepare_fixture.hpp"

namespace factorps {
namespace {

using test::Contents;
using test::contents_of;
using test::file_of_ranks;
using Prepare = test::Prepare;

TEST_F(Prepare, KeepsEveryInteractionInOneOfThreeParts) {
  config_.data.source = {directory_.write("ratings", many_rows(1000))};
  config_.split.validation_method = "random";
  config_.split.validation_fraction = 0.3;
  config_.split.test_fraction = 0.3;
  const Contents contents = contents_of(run());
  std::map<std::pair<std::string, std::string>, float> all;
  for (const auto& [part, pairs] : contents) all.insert(pairs.begin(), pairs.end());
  std::map<std::pair<std::string, std::string>, float> expected;  // keep_last
  for (int n = 0; n < 1000; ++n) {
    expected[{std::to_string(n * 7 % 53), std::to_string(n * 11 % 31)}] =
        static_cast<float>(n % 5 + 1);
  }
  EXPECT_EQ(all, expected);
  EXPECT_EQ(contents.size(), 3U);
  EXPECT_EQ(contents.at(Part::train).size() + contents.at(Part::validation).size() +
                contents.at(Part::test).size(),
            expected.size());
}

TEST_F(Prepare, AGivenTestFileStaysWhole) {
  config_.split.method = "given";
  config_.data.source = {directory_.write("train", "1,10,5\n1,11,4\n2,10,3\n")};
  config_.data.test = {directory_.write("test", "1,10,2\n9,99,1\n")};
  const Dataset data = run();
  const Contents contents = contents_of(data);
  EXPECT_EQ(contents.at(Part::test),
            (Contents::mapped_type{{{"1", "10"}, 2.0F}, {{"9", "99"}, 1.0F}}));
  EXPECT_EQ(contents.at(Part::train).size(), 3U);
  ASSERT_EQ(data.user_counts().size(), 3U);  // user 9 has a row, though nothing to learn from
  EXPECT_EQ(data.user_counts()[*data.user_ids().find("9")], 0U);
  EXPECT_EQ(data.user_counts()[*data.user_ids().find("1")], 2U);
  EXPECT_EQ(data.item_counts()[*data.item_ids().find("99")], 0U);
  EXPECT_EQ(data.value_min(), 3.0F);  // of the training rows
  EXPECT_EQ(data.value_max(), 5.0F);
}

TEST_F(Prepare, UsersWithoutRowsAreLeftOut) {
  config_.data.source = {directory_.write("ratings", "1,1,1\n1,2,1\n2,1,1\n2,2,1\n3,3,1\n")};
  config_.clean.min_user_interactions = 2;
  config_.split.method = "none";
  const Dataset data = run();
  EXPECT_EQ(data.user_ids().size(), 2U);
  EXPECT_FALSE(data.user_ids().find("3"));
  EXPECT_EQ(data.item_ids().size(), 2U);
  EXPECT_NE(data.summary().find(R"("step": "core 2 / 0")"), std::string::npos);
}

TEST_F(Prepare, PermutesBySeed) {
  config_.data.source = {directory_.write("ratings", many_rows(1000))};
  const auto order = [&](std::uint64_t seed) {
    config_.split.seed = seed;
    const Dataset data = run();
    std::string text;
    for (std::uint64_t row = 0; row < 53; ++row) text += data.user_ids().text(row) + ' ';
    return text;
  };
  EXPECT_EQ(order(1), order(1));
  EXPECT_NE(order(1), order(2));
}

TEST_F(Prepare, NormalisationIsStoredAndInverted) {
  config_.data.source = {directory_.write("ratings", many_rows(400))};
  const Contents plain = contents_of(run());
  for (const char* by : {"global", "user", "item"}) {
    config_.clean.normalise = "zscore";
    config_.clean.normalise_by = by;
    const Dataset data = run();
    const Contents inverted = contents_of(data);
    for (const auto& [pair, value] : plain.at(Part::train)) {
      // Two roundings on the way there and two back, of values below 8.
      EXPECT_NEAR(inverted.at(Part::train).at(pair), value, 8 * 4 * 0x1p-24);
    }
    EXPECT_NEAR(data.train_mean(), 0, 1e-6);
  }
}

/// Rows of a user lie apart, so every step that groups or moves rows has something to do.
std::string rows_with_times() {
  std::string text = "user,item,rating,time\n";
  for (int n = 0; n < 997; ++n) {
    text += fmt::format("u{},{},{},{}\n", n * 7 % 53, n * 11 % 31, n % 5 + 1, n * 13 % 1000);
  }
  return text;
}

TEST_F(Prepare, AnyNumberOfRanksAndThreadsWritesTheSameFile) {
  config_.data.source = {directory_.write("a", rows_with_times())};
  config_.attributes.users.source = {directory_.write("users", "id,age\n3,30\n0,10\n-1,5\n")};
  config_.attributes.users.numbers = {"age"};
  config_.split.method = "leave_last";
  config_.data.store_times = true;
  for (const char* validation : {"per_user", "random"}) {
    config_.split.validation_method = validation;
    config_.split.validation_fraction = 0.2;
    prepare(config_);
    const std::string expected = test::read_text(config_.data.dataset);
    for (const std::uint32_t size : {2U, 3U, 4U}) {
      EXPECT_EQ(file_of_ranks(config_, size, 1, {}), expected) << size;
      EXPECT_EQ(file_of_ranks(config_, size, size, std::vector<bool>(size, true)), expected)
          << size << ", all idle";
      std::vector<bool> two_machines(size, false);
      two_machines.front() = true;
      two_machines.back() = true;
      EXPECT_EQ(file_of_ranks(config_, size, 2, two_machines), expected) << size << ", two idle";
    }
  }
}

TEST_F(Prepare, StepsThatNeedTimesSaySo) {
  config_.data.source = {directory_.write("ratings", many_rows(10))};
  config_.split.method = "leave_last";
  EXPECT_THROW(prepare(config_), DataError);
  config_.split.method = "random";
  config_.clean.time_from = "2020-01-01";
  EXPECT_THROW(prepare(config_), DataError);
  config_.clean.time_from = "";
  config_.data.store_times = true;
  EXPECT_NE(error().find("which data.store_times needs"), std::string::npos) << error();
}

TEST_F(Prepare, StoresTimesWithTheirInteractions) {
  std::string text = "user,item,rating,time\n";
  for (int n = 0; n < 200; ++n)
    text += fmt::format("{},{},3,{}\n", n % 23, n * 7 % 19, 1000 * (n % 23) + n * 7 % 19);
  config_.data.source = {directory_.write("ratings", text)};
  config_.data.store_times = true;
  config_.split.method = "random";
  const Dataset data = run();
  const IdTable users = data.user_ids();
  const IdTable items = data.item_ids();
  for (const Part part : {Part::train, Part::test}) {
    for (std::uint32_t s = 0; s < data.grid().strips(); ++s) {
      for (std::uint32_t b = 0; b < data.grid().blocks(); ++b) {
        const CellView cell = data.cell(part, StripId{s}, BlockId{b});
        const auto times = data.times(part, StripId{s}, BlockId{b});
        for_each_interaction(cell, [&](std::uint32_t user, std::size_t n) {
          const std::string u = users.text(data.grid().users_of(StripId{s}).begin + user);
          const std::string i = items.text(data.grid().items_of(BlockId{b}).begin + cell.items[n]);
          EXPECT_EQ(times[n], 1000 * std::stoll(u) + std::stoll(i)) << u << ' ' << i;
        });
      }
    }
  }
}

TEST_F(Prepare, NeedsASource) { EXPECT_THROW(prepare(config_), ConfigError); }

TEST_F(Prepare, NamesTheCleaningStepThatLeftNothing) {
  config_.data.source = {directory_.write("ratings", many_rows(10) + "0,0,5\n")};
  config_.clean.min_user_interactions = 1000;
  EXPECT_EQ(error(),
            "no interaction is left to train on: core 1000 / 0 took the last 10 (interactions "
            "after each step: read: 11, duplicates keep_last: 10, core 1000 / 0: 0)");
  EXPECT_FALSE(std::filesystem::exists(config_.data.dataset));
  config_.data.source = {directory_.write("timed", "1,1,3,100\n1,2,3,200\n")};
  config_.clean.time_from = "2020-01-01";
  EXPECT_EQ(error(),
            "no interaction is left to train on: time window took the last 2 (interactions after "
            "each step: read: 2, time window: 0)");
}

TEST_F(Prepare, NamesTheSplitThatLeftNothing) {
  config_.data.source = {directory_.write("ratings", "1,1,3,100\n1,2,3,200\n1,3,3,300\n")};
  config_.split.method = "time";
  config_.split.time_cut = "300";
  config_.split.validation_method = "time";
  config_.split.validation_time_cut = "50";
  EXPECT_EQ(error(),
            "no interaction is left to train on: validation split time took the last 2 "
            "(interactions after each step: read: 3, duplicates keep_last: 3, test split time: 2, "
            "validation split time: 0)");
  config_.split.time_cut = "50";
  EXPECT_EQ(error(),
            "no interaction is left to train on: test split time took the last 3 (interactions "
            "after each step: read: 3, duplicates keep_last: 3, test split time: 0)");
}

TEST_F(Prepare, DoesNotTrainOnRowsOfTheTestFilesAlone) {
  config_.split.method = "given";
  config_.data.source = {directory_.write("ratings", "1,1,3\n1,2,4\n")};
  config_.data.test = {directory_.write("test", "1,3,3\n")};
  config_.clean.min_item_interactions = 2;
  EXPECT_EQ(error(),
            "no interaction is left to train on: core 0 / 2 took the last 2 (interactions after "
            "each step: read: 2, duplicates keep_last: 2, core 0 / 2: 0)");
}

TEST_F(Prepare, ReadsTheOfficialSplitOfMovieLens) {
  const auto base = test::shared_data("ml-100k/u1.base");
  if (!std::filesystem::exists(base)) GTEST_SKIP() << base << " is not there";
  config_.split.method = "given";
  config_.data.source = {base};
  config_.data.test = {test::shared_data("ml-100k/u1.test")};
  const Dataset data = run();
  EXPECT_EQ(data.interactions(Part::train), 80000U);
  EXPECT_EQ(data.interactions(Part::test), 20000U);
  EXPECT_EQ(data.user_ids().size(), 943U);
  EXPECT_EQ(data.item_ids().size(), 1682U);
  EXPECT_EQ(std::count(data.item_counts().begin(), data.item_counts().end(), 0U), 32);
  EXPECT_EQ(contents_of(data).at(Part::train).at({"1", "1"}), 5.0F);  // the first line
}

TEST_F(Prepare, ReadsAShopsLog) {
  const auto log = test::shared_data("online-retail/online_retail.csv.gz");
  if (!std::filesystem::exists(log)) GTEST_SKIP() << log << " is not there";
  config_.data.source = {log};
  config_.data.user = "CustomerID";
  config_.data.item = "StockCode";
  config_.data.value = "Quantity";
  config_.data.time = "InvoiceDate";
  config_.clean.strict = false;
  config_.clean.max_bad_rows = 541909;
  config_.clean.min_value = 1;
  config_.clean.duplicates = "sum";
  config_.split.method = "none";
  const auto result = prepare(config_);
  EXPECT_EQ(result->summary.lines, 541909U);
  EXPECT_EQ(result->summary.train, 266802U);  // distinct pairs of positive quantity
}

}  // namespace
}  // namespace factorps

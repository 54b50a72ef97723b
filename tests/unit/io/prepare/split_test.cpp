#include "io/prepare/split.hpp"

#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "common/error.hpp"
#include "io/prepare/leaks.hpp"
#include "tests/unit/io/prepare/rows.hpp"

namespace factorps {
namespace {

using Method = SplitRule::Method;
using test::grouped;
using test::text_of;

IdTable numbers(std::int64_t count, std::int64_t first = 0) {
  std::vector<std::int64_t> ids;
  for (std::int64_t n = 0; n < count; ++n) ids.push_back(first + n);
  return IdTable::of_integers(ids);
}

/// 100 users with 100 items each.
GroupedRows square() {
  Rows rows;
  for (std::uint32_t n = 0; n < 10000; ++n) {
    rows.users.push_back(n / 100);
    rows.items.push_back(n % 100);
    rows.values.push_back(1);
  }
  return group_by_user(std::move(rows), 10000, 100, 100);
}

std::size_t count(const GroupedRows& data, Part part) {
  return static_cast<std::size_t>(std::count(data.parts.begin(), data.parts.end(), part));
}

GroupedRows split(GroupedRows data, const SplitRule& rule, std::uint64_t seed = 1) {
  const PairRandom pairs{numbers(100), numbers(100)};
  apply_split(data, rule, Part::test, {seed, Purpose::split_test}, pairs);
  return data;
}

TEST(Split, RandomTakesAboutTheFraction) {
  const SplitRule rule{Method::random, 0.2};
  const GroupedRows data = split(square(), rule);
  // Binomial: 4 standard deviations are 160; one seed, so this cannot flicker.
  EXPECT_NEAR(static_cast<double>(count(data, Part::test)), 2000, 4 * std::sqrt(10000 * 0.2 * 0.8));
  EXPECT_EQ(split(square(), rule).parts, data.parts);
  EXPECT_NE(split(square(), rule, 2).parts, data.parts);
  EXPECT_EQ(count(split(square(), {Method::random, 0.0}), Part::test), 0U);
  EXPECT_EQ(count(split(square(), {Method::random, 1.0}), Part::test), 10000U);
}

TEST(Split, APairStaysInItsPartWhenOthersComeAndGo) {
  const PairRandom before{numbers(100), numbers(100)};
  const PairRandom after{numbers(300, -50), numbers(200, -20)};  // id 0 is now dense id 50 or 20
  for (std::uint32_t n = 0; n < 50; ++n)
    EXPECT_EQ(before.key(n, 2 * n), after.key(n + 50, 2 * n + 20));
}

TEST(Split, KeysOfPairsDiffer) {
  const PairRandom pairs{numbers(100), numbers(100)};
  std::vector<std::uint64_t> keys;
  for (std::uint32_t n = 0; n < 10000; ++n) keys.push_back(pairs.key(n / 100, n % 100));
  std::sort(keys.begin(), keys.end());
  EXPECT_EQ(std::adjacent_find(keys.begin(), keys.end()), keys.end());
}

TEST(Split, EveryPairIsInExactlyOneFold) {
  std::vector<int> times_tested(10000, 0);
  for (std::int64_t fold = 1; fold <= 5; ++fold) {
    SplitRule rule{Method::fold};
    rule.folds = 5;
    rule.fold = fold;
    const GroupedRows data = split(square(), rule);
    EXPECT_NEAR(static_cast<double>(count(data, Part::test)), 2000, 160);
    for (std::size_t n = 0; n < 10000; ++n) times_tested[n] += data.parts[n] == Part::test;
  }
  EXPECT_EQ(times_tested, std::vector<int>(10000, 1));
}

TEST(Split, PerUserTakesTheRoundedShareOfEach) {
  GroupedRows data = split(square(), {Method::per_user, 0.255});
  for (std::uint64_t user = 0; user < 100; ++user) {
    EXPECT_EQ(std::count(data.parts.begin() + static_cast<std::ptrdiff_t>(data.begin[user]),
                         data.parts.begin() + static_cast<std::ptrdiff_t>(data.begin[user + 1]),
                         Part::test),
              26);
  }
  EXPECT_EQ(text_of(split(grouped({{0, 1}}), {Method::per_user, 0.9})), "0:1=1");  // never all
}

TEST(Split, LeaveLastGoesByTimeThenPosition) {
  SplitRule rule{Method::leave_last};
  rule.last = 2;
  EXPECT_EQ(text_of(split(grouped({{0, 1, 1, 30},
                                   {0, 2, 1, 10},
                                   {0, 3, 1, 20},
                                   {1, 1, 1, 5},
                                   {1, 2, 1, 5},
                                   {1, 3, 1, 5},
                                   {2, 1, 1, 9}}),
                          rule)),
            "0:1=1@30T 0:2=1@10 0:3=1@20T 1:1=1@5 1:2=1@5T 1:3=1@5T 2:1=1@9");
}

SplitRule held_out(double fraction, double fold_in) {
  SplitRule rule{Method::users, fraction};
  rule.fold_in = fold_in;
  return rule;
}

/// [user] rows in a part.
std::vector<std::size_t> rows_of_users(const GroupedRows& data, Part part) {
  std::vector<std::size_t> rows(data.users(), 0);
  for (std::size_t n = 0; n < data.size(); ++n) rows[data.rows.users[n]] += data.parts[n] == part;
  return rows;
}

TEST(Split, UsersAreHeldOutWhole) {
  const GroupedRows data = split(square(), held_out(0.3, 0.8));
  const auto train = rows_of_users(data, Part::train);
  const auto history = rows_of_users(data, Part::fold_in);
  const auto target = rows_of_users(data, Part::test);
  std::size_t users = 0;
  for (std::uint32_t user = 0; user < 100; ++user) {
    const bool out = target[user] > 0;
    users += out;
    EXPECT_EQ(train[user], out ? 0U : 100U);
    EXPECT_EQ(history[user], out ? 80U : 0U);
    EXPECT_EQ(target[user], out ? 20U : 0U);
  }
  // Binomial, 4 standard deviations; one seed, so this cannot flicker.
  EXPECT_NEAR(static_cast<double>(users), 30, 4 * std::sqrt(100 * 0.3 * 0.7));
  EXPECT_NE(split(square(), held_out(0.3, 0.8), 2).parts, data.parts);
}

TEST(Split, HeldOutUsersHaveBothHistoryAndTarget) {
  for (const double share : {0.0, 1.0}) {
    const GroupedRows data = split(square(), held_out(1, share));
    for (const Part part : {Part::fold_in, Part::test}) {
      const std::size_t expected = (part == Part::fold_in) == (share > 0) ? 99 : 1;
      EXPECT_EQ(rows_of_users(data, part), std::vector<std::size_t>(100, expected));
    }
  }
  // A user of one item cannot have both, however often it is there; rows of a pair go together.
  const std::string text = text_of(
      split(grouped({{0, 1}, {1, 3}, {1, 3}, {2, 5}, {2, 6}, {2, 5}, {2, 6}}), held_out(1, 0.5)));
  EXPECT_TRUE(text == "0:1=1 1:3=1 1:3=1 2:5=1T 2:6=1F 2:5=1T 2:6=1F" ||
              text == "0:1=1 1:3=1 1:3=1 2:5=1F 2:6=1T 2:5=1F 2:6=1T")
      << text;
}

TEST(Split, AHeldOutUserIsChosenByItsIdAlone) {
  const SplitRule rule = held_out(0.5, 0.5);
  const GroupedRows data = split(square(), rule);
  GroupedRows fewer = square();
  keep_rows(fewer, [&](std::size_t n) { return fewer.rows.items[n] < 50; });
  const PairRandom shifted{numbers(100), numbers(100, 7)};  // other items
  apply_split(fewer, rule, Part::test, {1, Purpose::split_test}, shifted, 3);
  const auto before = rows_of_users(data, Part::train);
  const auto after = rows_of_users(fewer, Part::train);
  for (std::uint32_t user = 0; user < 100; ++user)
    EXPECT_EQ(before[user] == 0, after[user] == 0) << user;
}

TEST(Split, ValidationUsersComeOutOfTheOthers) {
  GroupedRows data = split(square(), held_out(0.5, 0.8));
  const auto test = rows_of_users(data, Part::test);
  const PairRandom pairs{numbers(100), numbers(100)};
  apply_split(data, held_out(0.5, 0.8), Part::validation, {1, Purpose::split_validation}, pairs);
  EXPECT_EQ(rows_of_users(data, Part::test), test);
  const auto validation = rows_of_users(data, Part::validation);
  for (std::uint32_t user = 0; user < 100; ++user)
    EXPECT_TRUE(test[user] == 0 || validation[user] == 0);
  EXPECT_NEAR(static_cast<double>(count(data, Part::validation)), 0.25 * 100 * 20,
              20 * 4 * std::sqrt(100 * 0.25 * 0.75));
}

TEST(Split, TimeCutIsInclusive) {
  SplitRule rule{Method::time};
  rule.time_cut = 20;
  EXPECT_EQ(text_of(split(grouped({{0, 1, 1, 19}, {0, 2, 1, 20}, {1, 2, 1, 21}}), rule)),
            "0:1=1@19 0:2=1@20T 1:2=1@21T");
}

TEST(Split, ValidationComesOutOfTrain) {
  GroupedRows data = split(square(), {Method::random, 0.5});
  const std::size_t test = count(data, Part::test);
  const PairRandom pairs{numbers(100), numbers(100)};
  apply_split(data, {Method::random, 0.5}, Part::validation, {1, Purpose::split_validation}, pairs);
  EXPECT_EQ(count(data, Part::test), test);
  EXPECT_NEAR(static_cast<double>(count(data, Part::validation)), 2500, 4 * std::sqrt(5000 * 0.25));
}

TEST(SplitRule, ComesFromTheConfig) {
  SplitConfig config;
  config.method = "time";
  config.time_cut = "1970-01-02";
  config.validation_method = "leave_last";
  EXPECT_EQ(test_rule(config).time_cut, 86400);
  EXPECT_TRUE(needs_time(test_rule(config)));
  EXPECT_EQ(validation_rule(config).method, Method::leave_last);
  config.time_cut = "later";
  EXPECT_THROW(static_cast<void>(test_rule(config)), ConfigError);
}

TEST(Leaks, AreCounted) {
  // Pair 0:1 twice; user 2 and item 7 only in test.
  const GroupedRows data = grouped({{0, 1, 1, 10},
                                    {0, 2, 1, 50},
                                    {1, 2, 1, 20},
                                    {0, 1, 2, 40},
                                    {2, 1, 1, 30},
                                    {2, 7, 1, 60},
                                    {1, 7, 1, 70}},
                                   3);
  const LeakReport report = find_leaks(data, std::nullopt);
  EXPECT_EQ(report.pairs_in_train, 1U);
  EXPECT_EQ(report.unknown_users, 1U);
  EXPECT_EQ(report.unknown_user_rows, 2U);
  EXPECT_EQ(report.unknown_items, 1U);
  EXPECT_EQ(report.unknown_item_rows, 2U);
  EXPECT_EQ(report.test_from, 30);
  EXPECT_EQ(report.train_rows_after, 1U);
  EXPECT_EQ(find_leaks(data, 15).train_rows_after, 2U);
  EXPECT_FALSE(find_leaks(grouped({{0, 1, 1}}), std::nullopt).train_rows_after);
}

}  // namespace
}  // namespace factorps

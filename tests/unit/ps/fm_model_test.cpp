#include "ps/rows/fm_model.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "common/error.hpp"
#include "io/dataset_writer.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps::ps {
namespace {

constexpr std::size_t kDim = 3;
constexpr std::size_t kWidth = kDim + 1;

/// Users anna, bert and cleo, who has trained nothing; items 0 to 3, of which 2 has trained
/// nothing.
DatasetContents contents() {
  DatasetContents all;
  all.user_ids = IdTable::of_strings({0, 4, 8, 12}, "annabertcleo");
  all.item_ids = IdTable::of_integers({7, 8, 9, 10});
  all.grid = {{0, 2, 3}, {0, 2, 4}};
  const auto add = [&](std::uint32_t user, std::uint32_t item, Part part) {
    all.interactions.users.push_back(user);
    all.interactions.items.push_back(item);
    all.interactions.values.push_back(1);
    all.interactions.parts.push_back(part);
  };
  add(0, 0, Part::train);
  add(0, 1, Part::train);
  add(1, 3, Part::train);
  add(2, 2, Part::test);
  // kinds: item 0 b, 1 a, 2 c (nobody trains it), 3 none; prices 1, 3, 9, unknown
  all.item_attributes = {
      {"kind", AttributeKind::category, {"a", "b", "c"}, {0, 1, 2, 3, 3}, {1, 0, 2}, {}},
      {"price", AttributeKind::number, {}, {}, {}, {1, 3, 9, std::nanf("")}}};
  all.user_attributes = {{"club", AttributeKind::tags, {"x", "y"}, {0, 2, 2, 3}, {0, 1, 1}, {}}};
  all.value_min = 0;
  all.value_max = 1;
  return all;
}

/// The same with times: anna had item 1 before item 0.
DatasetContents timed_contents() {
  DatasetContents all = contents();
  constexpr std::int64_t kDay = 86400;
  // Days 0 (a Thursday), -1, 11 and, of the test, 3.
  all.interactions.times = {10, -kDay, 11 * kDay, 3 * kDay};
  return all;
}

class FmModels : public testing::Test {
 protected:
  FmModels() {
    options_.machine = {kDim, HeadLoss::logistic, 0.5F};
    options_.user_attributes = {"club"};
    options_.item_attributes = {"price", "kind"};
    options_.offset = 0.25F;
  }
  /// Values of all rows as they are initialised, [table][row][width].
  static std::vector<std::vector<float>> initial(FmModel& model) {
    std::vector<std::vector<float>> tables;
    for (std::size_t t = 0; t < model.tables().size(); ++t) {
      const RowTable& table = model.tables()[t];
      tables.emplace_back(table.rows() * table.width);
      for (std::uint64_t row = 0; row < table.rows(); ++row) {
        model.initialise(t, row, std::span{tables[t]}.subspan(row * table.width, table.width));
      }
    }
    return tables;
  }
  static void pull(const FmModel& model, const std::vector<std::vector<float>>& all,
                   TouchedTables& part) {
    for (std::size_t t = 0; t < all.size(); ++t) {
      const std::size_t width = model.tables()[t].width;
      part.tables[t].values.clear();
      for (const std::uint64_t row : part.tables[t].rows) {
        const float* values = all[t].data() + row * width;
        part.tables[t].values.insert(part.tables[t].values.end(), values, values + width);
      }
    }
  }

  test::TemporaryDirectory directory_;
  Dataset dataset_{(write_dataset(directory_ / "d.h5", contents()), directory_ / "d.h5")};
  FmOptions options_;
};

TEST_F(FmModels, WeighNothingThatNobodyTrained) {
  FmModel model{options_, dataset_, {}};
  const auto all = initial(model);
  // x and y of users, then kinds a, b, c, then price.
  ASSERT_EQ(model.tables()[2].rows(), 6U);
  const auto zero = [&](std::size_t table, std::uint64_t row) {
    const auto values = std::span{all[table]}.subspan(row * kWidth, kWidth);
    return std::ranges::all_of(values, [](float x) { return x == 0; });
  };
  EXPECT_FALSE(zero(0, 0));
  EXPECT_TRUE(zero(0, 2));
  EXPECT_TRUE(zero(1, 2));
  for (const std::uint64_t feature : {0U, 1U, 2U, 3U, 5U})
    EXPECT_FALSE(zero(2, feature)) << feature;
  EXPECT_TRUE(zero(2, 4)) << "kind c";
  EXPECT_EQ(all[3], std::vector<float>{0.25F});
}

/// score = w0 + sum of w x + sum over pairs of <v, v'> x x', in double.
TEST_F(FmModels, ScoreTheirFeaturesInEveryWayAlike) {
  FmModel model{options_, dataset_, {}};
  const auto all = initial(model);
  struct Feature {
    const float* row;
    double x;
  };
  const auto row = [&](std::size_t table, std::size_t n) { return all[table].data() + n * kWidth; };
  // Of those that are trained (items 0 and 1) the mean price is 2 and the deviation 1.
  const std::vector<std::vector<Feature>> users{
      {{row(0, 0), 1}, {row(2, 0), 0.5}, {row(2, 1), 0.5}}, {{row(0, 1), 1}}, {{row(2, 1), 1}}};
  const std::vector<std::vector<Feature>> items{{{row(1, 0), 1}, {row(2, 3), 1}, {row(2, 5), -1}},
                                                {{row(1, 1), 1}, {row(2, 2), 1}, {row(2, 5), 1}},
                                                {{row(2, 5), 7}},
                                                {{row(1, 3), 1}}};
  const auto expected = [&](std::size_t user, std::size_t item) {
    std::vector<Feature> features = users[user];
    features.insert(features.end(), items[item].begin(), items[item].end());
    double score = 0.25;
    for (std::size_t a = 0; a < features.size(); ++a) {
      score += features[a].x * double{features[a].row[0]};
      for (std::size_t b = 0; b < a; ++b) {
        for (std::size_t k = 1; k < kWidth; ++k)
          score += features[a].x * features[b].x * double{features[a].row[k]} *
                   double{features[b].row[k]};
      }
    }
    return score;
  };
  RowExamples examples;
  for (std::uint64_t user = 0; user < 3; ++user) {
    for (std::uint64_t item = 0; item < 4; ++item) {
      examples.users.push_back(user);
      examples.items.push_back(item);
      examples.targets.push_back(1);
    }
  }
  TouchedTables part;
  RowIndex index;
  model.touch(examples, part, index);
  pull(model, all, part);
  std::vector<float> scores(12);
  model.score(examples, index, part, scores);
  // Ranking: items and users are pulled apart.
  RowExamples of_users{{0, 1, 2}, {}, {}, 0};
  RowExamples of_items{{}, {0, 1, 2, 3}, {}, 0};
  TouchedTables user_part;
  TouchedTables item_part;
  model.touch(of_users, user_part, index);
  pull(model, all, user_part);
  model.touch(of_items, item_part, index);
  pull(model, all, item_part);
  model.rank_items(item_part);
  model.rank_users(of_users, user_part);
  // Export.
  const BlockReader read = [&](std::size_t table, std::uint32_t block) {
    const RowTable& shape = model.tables()[table];
    return std::span{all[table]}.subspan(
        shape.begin[block] * shape.width,
        (shape.begin[block + 1] - shape.begin[block]) * shape.width);
  };
  const ModelInfo info = model.begin_export(read);
  ModelRows exported[2];
  for (const std::size_t table : {0U, 1U}) {
    for (std::uint32_t b = 0; b < model.tables()[table].blocks(); ++b) {
      ModelRows rows;
      model.model_rows(table, b, read, rows);
      auto& to = exported[table];
      to.factors.insert(to.factors.end(), rows.factors.begin(), rows.factors.end());
      to.bias.insert(to.bias.end(), rows.bias.begin(), rows.bias.end());
    }
  }
  EXPECT_EQ(info.kind, "fm");
  for (std::size_t user = 0; user < 3; ++user) {
    std::vector<float> ranked(4);
    model.score_items(static_cast<std::uint32_t>(user), 0, ranked);
    for (std::size_t item = 0; item < 4; ++item) {
      double plain = info.mu + double{exported[0].bias[user]} + double{exported[1].bias[item]};
      for (std::size_t k = 0; k < kDim; ++k)
        plain += double{exported[0].factors[user * kDim + k]} *
                 double{exported[1].factors[item * kDim + k]};
      // Some thirty terms below 10 in single precision.
      EXPECT_NEAR(scores[user * 4 + item], expected(user, item), 3e-5) << user << ' ' << item;
      EXPECT_NEAR(ranked[item], expected(user, item), 3e-5) << user << ' ' << item;
      EXPECT_NEAR(plain, expected(user, item), 3e-5) << user << ' ' << item;
    }
  }
  ASSERT_EQ(info.features->items.size(), 2U);
  EXPECT_EQ(info.features->items[0].name, "kind");
  EXPECT_EQ(info.features->items[1].mean, 2);
  EXPECT_EQ(info.features->items[1].scale, 1);
  EXPECT_TRUE(std::ranges::equal(info.features->items[1].rows,
                                 std::span{all[2]}.subspan(5 * kWidth, kWidth)));
}

TEST_F(FmModels, GradientsGoToTheRowsTheyBelongTo) {
  FmModel model{options_, dataset_, {}};
  auto all = initial(model);
  const RowExamples examples{{0, 0, 1, 2}, {0, 1, 0, 2}, {1, 0, 1, 0}, 0};
  TouchedTables part;
  RowIndex index;
  model.touch(examples, part, index);
  pull(model, all, part);
  static_cast<void>(model.gradient(examples, index, part));
  const TouchedTables computed = part;
  double compared = 0;
  for (std::size_t t = 0; t < computed.tables.size(); ++t) {
    for (std::size_t n = 0; n < computed.tables[t].values.size(); ++n) {
      const auto loss_at = [&](float value) {
        part.tables[t].values[n] = value;
        return model.gradient(examples, index, part);
      };
      const float x = computed.tables[t].values[n];
      const float step = 0x1p-6F;
      const double slope = (loss_at(x + step) - loss_at(x - step)) / (2 * double{step});
      part.tables[t].values[n] = x;
      // The third derivative is below 100 here, times step^2 / 6.
      EXPECT_NEAR(computed.tables[t].gradients[n], slope, 4e-3) << t << ' ' << n;
      compared += std::abs(slope);
    }
  }
  EXPECT_GT(compared, 1);
}

class Moments : public FmModels {
 protected:
  Moments() {
    options_.context = {ContextKind::hour, ContextKind::weekday};
    options_.history_items = 2;
  }
  /// Six examples of users, items and moments; sets 0 (of items 1, 3), 1 (none), 2 (of item 0).
  static RowExamples examples() {
    constexpr std::int64_t kNoon = 43200;
    RowExamples all{{0, 0, 1, 2, 1, 0}, {0, 1, 0, 2, 3, 3}, {1, 0, 1, 0, 1, 0}, 0};
    all.times = {kNoon, kNoon, -1, kNoon, kNoon + 1, -1};
    all.histories = {{0, 2, 2, 3}, {1, 3, 0}};
    all.history_of = {0, 0, 1, 2, 0, 2};
    return all;
  }

  Dataset timed_{(write_dataset(directory_ / "t.h5", timed_contents()), directory_ / "t.h5")};
};

TEST_F(Moments, NeedTimes) {
  EXPECT_THROW((FmModel{options_, dataset_, {}}), DataError);
  options_.context.clear();
  EXPECT_NO_THROW((FmModel{options_, dataset_, {}})) << "histories do without";
}

TEST_F(Moments, WeighNothingThatTheTrainingDoesNotHave) {
  FmModel model{options_, timed_, {}};
  ASSERT_EQ(model.tables().size(), 6U);
  EXPECT_EQ(model.tables()[4].name, "context");
  EXPECT_EQ(model.tables()[5].name, "history");
  const auto all = initial(model);
  const auto zero = [&](std::size_t table, std::size_t row) {
    const auto values = std::span{all[table]}.subspan(row * kWidth, kWidth);
    return std::ranges::all_of(values, [](float x) { return x == 0; });
  };
  // Hours come first; all training interactions are at midnight, of Wednesday, Thursday, Monday.
  for (std::size_t hour = 0; hour < 24; ++hour) EXPECT_EQ(zero(4, hour), hour != 0) << hour;
  for (const std::size_t day : {0U, 2U, 3U}) EXPECT_FALSE(zero(4, 24 + day)) << day;
  for (const std::size_t day : {1U, 4U, 5U, 6U}) EXPECT_TRUE(zero(4, 24 + day)) << day;
  for (const std::size_t item : {0U, 1U, 3U}) EXPECT_FALSE(zero(5, item)) << item;
  EXPECT_TRUE(zero(5, 2)) << "nobody trains it";
  EXPECT_NE(all[5], std::vector<float>(all[1].begin(), all[1].end())) << "rows of their own";
}

/// A user in a moment with a history is ranked as it is trained, and exported without moments.
TEST_F(Moments, AreScoredAlikeInTrainingAndRanking) {
  FmModel model{options_, timed_, {}};
  auto all = initial(model);
  for (auto& table : all) {
    for (std::size_t n = 0; n < table.size(); ++n) table[n] += 0.01F * static_cast<float>(n % 11);
  }
  RowExamples each;
  for (std::uint64_t user = 0; user < 3; ++user) {
    for (std::uint64_t item = 0; item < 4; ++item) {
      each.users.push_back(user);
      each.items.push_back(item);
      each.targets.push_back(1);
      each.times.push_back(static_cast<std::int64_t>(user) * 100'000);
      each.history_of.push_back(static_cast<std::uint32_t>(user));
    }
  }
  each.histories = examples().histories;
  TouchedTables part;
  RowIndex index;
  model.touch(each, part, index);
  pull(model, all, part);
  std::vector<float> scores(12);
  model.score(each, index, part, scores);
  RowExamples of_users{{0, 1, 2}, {}, {}, 0};
  of_users.times = {0, 100'000, 200'000};
  of_users.histories = each.histories;
  of_users.history_of = {0, 1, 2};
  const RowExamples of_items{{}, {0, 1, 2, 3}, {}, 0};
  TouchedTables user_part;
  TouchedTables item_part;
  model.touch(of_users, user_part, index);
  pull(model, all, user_part);
  model.touch(of_items, item_part, index);
  pull(model, all, item_part);
  model.rank_items(item_part);
  model.rank_users(of_users, user_part);
  for (std::uint32_t user = 0; user < 3; ++user) {
    std::vector<float> ranked(4);
    model.score_items(user, 0, ranked);
    // Some fifty terms below 10 in single precision.
    for (std::size_t item = 0; item < 4; ++item)
      EXPECT_NEAR(scores[user * 4 + item], ranked[item], 5e-5) << user << ' ' << item;
  }
}

TEST_F(Moments, AreExportedBesideUsersWithAllTheyHave) {
  FmModel model{options_, timed_, {}};
  const auto all = initial(model);
  const BlockReader read = [&](std::size_t table, std::uint32_t block) {
    const RowTable& shape = model.tables()[table];
    return std::span{all[table]}.subspan(
        shape.begin[block] * shape.width,
        (shape.begin[block + 1] - shape.begin[block]) * shape.width);
  };
  const ModelInfo info = model.begin_export(read);
  EXPECT_EQ(info.version(), 3U);
  EXPECT_EQ(info.features->latest_time, 11 * 86400);
  ASSERT_EQ(info.features->context.size(), 2U);
  EXPECT_EQ(info.features->context[0].kind, ContextKind::weekday);
  EXPECT_EQ(info.features->context[1].kind, ContextKind::hour);
  EXPECT_TRUE(
      std::ranges::equal(info.features->context[1].rows, std::span{all[4]}.first(24 * kWidth)));
  ModelRows rows;
  model.model_rows(0, 0, read, rows);
  // anna: her id, x and y half each, items 0 and 1 at 2^-0.5 each.
  for (std::size_t k = 0; k < kDim; ++k) {
    const auto at = [&](std::size_t table, std::size_t row) {
      return double{all[table][row * kWidth + 1 + k]};
    };
    const double sum =
        at(0, 0) + (at(2, 0) + at(2, 1)) / 2 + (at(5, 0) + at(5, 1)) * std::sqrt(0.5);
    EXPECT_NEAR(rows.factors[k], sum, 1e-6) << k;
  }
}

TEST_F(Moments, GradientsGoToTheRowsTheyBelongTo) {
  for (const HeadLoss loss : {HeadLoss::squared, HeadLoss::logistic, HeadLoss::bpr}) {
    options_.machine.loss = loss;
    FmModel model{options_, timed_, {}};
    const auto all = initial(model);
    TouchedTables part;
    RowIndex index;
    model.touch(examples(), part, index);
    pull(model, all, part);
    static_cast<void>(model.gradient(examples(), index, part));
    const TouchedTables computed = part;
    std::vector<double> compared(6);
    for (std::size_t t = 0; t < computed.tables.size(); ++t) {
      for (std::size_t n = 0; n < computed.tables[t].values.size(); ++n) {
        const auto loss_at = [&](float value) {
          part.tables[t].values[n] = value;
          return model.gradient(examples(), index, part);
        };
        const float x = computed.tables[t].values[n];
        const float step = 0x1p-6F;
        const double slope = (loss_at(x + step) - loss_at(x - step)) / (2 * double{step});
        part.tables[t].values[n] = x;
        // The third derivative is below 100 here, times step^2 / 6.
        EXPECT_NEAR(computed.tables[t].gradients[n], slope, 4e-3) << t << ' ' << n;
        compared[t] += std::abs(slope);
      }
    }
    EXPECT_GT(compared[4], 0.01) << "context";
    EXPECT_GT(compared[5], 0.01) << "history";
  }
}

/// What repeats is summed up once (relation blocks): each user, item, moment and history.
TEST_F(Moments, AddUpWhatRepeatsOnce) {
  FmModel model{options_, timed_, {}};
  const auto all = initial(model);
  RowExamples once = examples();
  RowExamples often = once;
  for (int n = 0; n < 9; ++n) {
    often.users.insert(often.users.end(), once.users.begin(), once.users.end());
    often.items.insert(often.items.end(), once.items.begin(), once.items.end());
    often.targets.insert(often.targets.end(), once.targets.begin(), once.targets.end());
    often.times.insert(often.times.end(), once.times.begin(), once.times.end());
    often.history_of.insert(often.history_of.end(), once.history_of.begin(), once.history_of.end());
  }
  std::uint64_t before = 0;
  for (const RowExamples& some : {once, often}) {
    TouchedTables part;
    RowIndex index;
    model.touch(some, part, index);
    pull(model, all, part);
    static_cast<void>(model.gradient(some, index, part));
    // Users have 3, 1 and 2 features, items 3, 3, 3 and 1; two moments (noon twice is one) have 2
    // each, histories 2, 0 and 1.
    EXPECT_EQ(model.features_added() - before, 6U + 10U + 4U + 3U);
    before = model.features_added();
  }
}

TEST_F(FmModels, NameTheAttributeThatIsNotThere) {
  options_.item_attributes = {"colour"};
  try {
    const FmModel model{options_, dataset_, {}};
    ADD_FAILURE();
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string{error.what()}.find("kind, price"), std::string::npos) << error.what();
  }
  options_.item_attributes = {"kind", "kind"};
  EXPECT_THROW((FmModel{options_, dataset_, {}}), ConfigError);
}

}  // namespace
}  // namespace factorps::ps

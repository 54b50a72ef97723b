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
  model.rank_users(user_part);
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

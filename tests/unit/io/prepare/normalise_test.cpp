#include "io/prepare/normalise.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "common/error.hpp"
#include "tests/unit/io/prepare/rows.hpp"

namespace factorps {
namespace {

using test::grouped;
using test::text_of;

/// Two rows each of users 0 and 1 to train on, one of user 2 in test.
GroupedRows data() { return grouped({{0, 1, 1}, {0, 2, 3}, {1, 1, 5}, {1, 2, 7}, {2, 1, 100}}, 4); }

TEST(Normalise, LearnsFromTrainingRowsOnly) {
  const Normalisation mean = learn_normalisation(data(), "mean", "global");
  EXPECT_EQ(mean.offset, (std::vector<float>{4}));
  EXPECT_EQ(mean.scale, (std::vector<float>{1}));
  const Normalisation zscore = learn_normalisation(data(), "zscore", "global");
  EXPECT_EQ(zscore.offset, (std::vector<float>{4}));
  EXPECT_FLOAT_EQ(zscore.scale.front(), std::sqrt(5.0F));  // (9 + 1 + 1 + 9) / 4
  const Normalisation minmax = learn_normalisation(data(), "minmax", "global");
  EXPECT_EQ(minmax.offset, (std::vector<float>{1}));
  EXPECT_EQ(minmax.scale, (std::vector<float>{6}));
}

TEST(Normalise, ByUserOrItemFallsBackToAllRows) {
  const Normalisation user = learn_normalisation(data(), "zscore", "user");
  EXPECT_EQ(std::vector<float>(user.offset.begin(), user.offset.begin() + 3),
            (std::vector<float>{2, 6, 4}));
  EXPECT_EQ(user.scale[0], 1.0F);
  EXPECT_FLOAT_EQ(user.scale[2], std::sqrt(5.0F));
  const Normalisation item = learn_normalisation(data(), "minmax", "item");
  EXPECT_EQ(item.offset[1], 1.0F);
  EXPECT_EQ(item.scale[1], 4.0F);
  EXPECT_EQ(item.offset[2], 3.0F);
}

TEST(Normalise, AScaleIsNeverZero) {
  const GroupedRows same = grouped({{0, 1, 2}, {1, 1, 2}});
  EXPECT_EQ(learn_normalisation(same, "zscore", "global").scale.front(), 1.0F);
  EXPECT_EQ(learn_normalisation(same, "minmax", "user").scale[0], 1.0F);
}

TEST(Normalise, AppliesToAllRows) {
  GroupedRows rows = data();
  apply_normalisation(rows, learn_normalisation(rows, "minmax", "global"));
  EXPECT_EQ(rows.rows.values[3], 1.0F);
  EXPECT_EQ(rows.rows.values[4], 16.5F);
  EXPECT_EQ(learn_normalisation(rows, "none", "user").offset.size(), 1U);
  EXPECT_THROW(static_cast<void>(learn_normalisation(rows, "rank", "user")), ConfigError);
  EXPECT_THROW(static_cast<void>(learn_normalisation(rows, "mean", "row")), ConfigError);
}

}  // namespace
}  // namespace factorps

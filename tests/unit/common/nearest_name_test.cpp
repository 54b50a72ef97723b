#include "common/nearest_name.hpp"

#include <array>

#include <gtest/gtest.h>

namespace factorps {
namespace {

constexpr std::array<std::string_view, 4> kNames{"train.epochs", "train.l2", "model.dim",
                                                 "train.l2_user"};

TEST(EditDistance, CountsSingleChangesAndSwaps) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("abc", ""), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);  // the textbook pair
  EXPECT_EQ(edit_distance("epohcs", "epochs"), 1u);
  EXPECT_EQ(edit_distance("ca", "abc"), 3u);  // restricted: no change inside a swapped pair
}

TEST(NearestName, FindsAMistypedName) {
  EXPECT_EQ(nearest_name("train.epoch", kNames), "train.epochs");
  EXPECT_EQ(nearest_name("model.dmi", kNames), "model.dim");
  EXPECT_EQ(nearest_name("train.l2", kNames), "train.l2");
}

TEST(NearestName, PrefersTheFirstOfEquallyNear) {
  constexpr std::array<std::string_view, 2> twins{"abcx", "abcy"};
  EXPECT_EQ(nearest_name("abcz", twins), "abcx");
}

TEST(NearestName, SuggestsNothingImplausible) {
  EXPECT_EQ(nearest_name("completely.different", kNames), std::nullopt);
  EXPECT_EQ(nearest_name(std::string(1'000'000, 'x'), kNames), std::nullopt);
  EXPECT_EQ(nearest_name("x", {}), std::nullopt);
}

}  // namespace
}  // namespace factorps

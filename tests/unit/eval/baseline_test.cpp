#include "eval/baseline.hpp"

#include <gtest/gtest.h>

namespace factorps::eval {
namespace {

TEST(MeanPredictor, GivesEachRowItsMeanAndOthersTheMeanOfAll) {
  MeanPredictor predictor{3};
  predictor.add(0, 1);
  predictor.add(0, 2);
  predictor.add(2, 6);
  EXPECT_EQ(predictor.means(), (std::vector<float>{1.5F, 3, 6}));
}

TEST(MeanPredictor, IsZeroWithoutValues) {
  EXPECT_EQ(MeanPredictor{2}.means(), (std::vector<float>{0, 0}));
}

}  // namespace
}  // namespace factorps::eval

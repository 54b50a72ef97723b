#include "io/value_code.hpp"

#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace factorps {
namespace {

void expect_exact(const std::vector<float>& values) {
  const ValueCode code = choose_value_code(values);
  ASSERT_TRUE(code.narrow);
  for (const float value : values) {
    EXPECT_EQ(code.base + code.step * static_cast<float>(ValueEncoder{code}(value)), value);
  }
}

TEST(ValueCode, IsNarrowForEvenlySpacedValues) {
  expect_exact({5, 1, 3});
  expect_exact({0.5F, 5.0F, 4.5F, 1.0F});
  expect_exact({-2, 7, 4});        // differences 9, 6: the step is 3, not the least gap
  expect_exact({1, 2.5F, 3.75F});  // and here .25, less than any gap
  expect_exact({3, 3, 3});
  expect_exact({});
  std::vector<float> bytes(256);
  std::iota(bytes.begin(), bytes.end(), -7.0F);
  expect_exact(bytes);
}

TEST(ValueCode, IsWideWhereAByteWouldLose) {
  std::vector<float> many(257);
  std::iota(many.begin(), many.end(), 0.0F);
  EXPECT_FALSE(choose_value_code(many).narrow);
  EXPECT_FALSE(choose_value_code(std::vector<float>{0, 1, 256}).narrow);
  EXPECT_FALSE(choose_value_code(std::vector<float>{0.1F, 0.25F, 0.7F}).narrow);
  EXPECT_FALSE(choose_value_code(std::vector<float>{-3e38F, 3e38F}).narrow);
  EXPECT_FALSE(choose_value_code(std::vector<float>{0, 1e-45F, 1}).narrow);
}

}  // namespace
}  // namespace factorps

#include "ps/wire.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace factorps::ps {
namespace {

float through_bf16(float value) {
  std::array<std::uint16_t, 1> encoded{};
  std::array<float, 1> out{};
  to_bf16(std::array{value}, encoded);
  from_bf16(encoded, out);
  return out[0];
}

TEST(Bf16, KeepsWhatHasEightBits) {
  for (const float value : {0.0F, 1.0F, -1.5F, 0.0078125F, 255.0F}) {
    EXPECT_EQ(through_bf16(value), value);
  }
  EXPECT_TRUE(std::signbit(through_bf16(-0.0F)));
  EXPECT_EQ(through_bf16(std::numeric_limits<float>::infinity()),
            std::numeric_limits<float>::infinity());
}

TEST(Bf16, RoundsToNearestAndTiesToEven) {
  constexpr float kStep = 1.0F / 128;  // between neighbours from 1 to 2
  EXPECT_EQ(through_bf16(1 + 0.49F * kStep), 1.0F);
  EXPECT_EQ(through_bf16(1 + 0.51F * kStep), 1 + kStep);
  EXPECT_EQ(through_bf16(1 + 0.5F * kStep), 1.0F);
  EXPECT_EQ(through_bf16(1 + 1.5F * kStep), 1 + 2 * kStep);
  EXPECT_EQ(through_bf16(-1 - 1.5F * kStep), -1 - 2 * kStep);
  EXPECT_EQ(through_bf16(1.999F), 2.0F);
}

TEST(Halves, KeepEveryBit) {
  const std::array values{0.0F,    -0.0F, 1.0F / 3,
                          -1e-42F, 3e38F, std::numeric_limits<float>::infinity()};
  std::array<std::uint16_t, values.size()> upper{};
  std::array<std::uint16_t, values.size()> lower{};
  split(values, upper, lower);
  std::array<float, values.size()> joined{};
  join(upper, lower, joined);
  for (std::size_t n = 0; n < values.size(); ++n) {
    EXPECT_EQ(std::bit_cast<std::uint32_t>(joined[n]), std::bit_cast<std::uint32_t>(values[n]));
  }
}

}  // namespace
}  // namespace factorps::ps

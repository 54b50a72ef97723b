#include "common/aligned_buffer.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include <gtest/gtest.h>

namespace factorps {
namespace {

TEST(RoundUp, GivesTheNextMultiple) {
  EXPECT_EQ(round_up(0, 64), 0U);
  EXPECT_EQ(round_up(1, 64), 64U);
  EXPECT_EQ(round_up(64, 64), 64U);
  EXPECT_EQ(round_up(65, 64), 128U);
  EXPECT_EQ(round_up(10, 3), 12U);
}

TEST(AlignedBuffer, IsZeroedAndAligned) {
  for (const std::size_t size : {0UL, 1UL, 15UL, 16UL, 1000UL}) {
    AlignedBuffer<float> buffer{size};
    EXPECT_EQ(buffer.size(), size);
    EXPECT_EQ(buffer.span().size(), size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % kAlignment, 0U);
    EXPECT_TRUE(std::ranges::all_of(buffer.span(), [](float x) { return x == 0; }));
    std::ranges::fill(buffer.span(), 1.0F);  // the next one may get the same memory
  }
}

TEST(AlignedBuffer, MovesItsMemory) {
  AlignedBuffer<int> from{3};
  from.data()[2] = 7;
  const AlignedBuffer<int> to{std::move(from)};
  EXPECT_EQ(to.size(), 3U);
  EXPECT_EQ(to.data()[2], 7);
}

}  // namespace
}  // namespace factorps

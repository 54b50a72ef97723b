#include "comm/spare_bodies.hpp"

#include <gtest/gtest.h>

namespace factorps::comm {
namespace {

TEST(SpareBodies, GivesTheSmallestThatIsLargeEnough) {
  SpareBodies spare;
  for (const std::size_t bytes : {400U, 100U, 300U, 200U})
    spare.give(std::vector<std::byte>(bytes));
  const auto capacity = [&](std::size_t bytes) {
    const auto body = spare.take(bytes);
    EXPECT_EQ(body.size(), bytes);
    return body.capacity();
  };
  EXPECT_EQ(capacity(150), 200U);
  EXPECT_EQ(capacity(150), 300U);
  EXPECT_GE(capacity(500), 500U);  // of the largest, 400
  EXPECT_EQ(capacity(50), 100U);
  EXPECT_EQ(capacity(50), 50U) << "there are no more";
}

TEST(SpareBodies, KeepsSomeOnly) {
  SpareBodies spare;
  spare.give({});
  EXPECT_EQ(spare.take(1).capacity(), 1U) << "nothing is no memory";
  for (std::size_t n = 0; n < 1000; ++n) spare.give(std::vector<std::byte>(10));
  std::size_t kept = 0;
  while (spare.take(5).capacity() == 10) ++kept;
  EXPECT_GT(kept, 0U);
  EXPECT_LT(kept, 100U);
}

}  // namespace
}  // namespace factorps::comm

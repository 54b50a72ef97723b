#include "model/kernels/stream_copy.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace factorps {
namespace {

TEST(StreamCopy, CopiesWhatItIsGivenAndNothingBesides) {
  std::vector<std::byte> from(512);
  for (std::size_t n = 0; n < from.size(); ++n) from[n] = static_cast<std::byte>(n % 251 + 1);

  for (const std::size_t offset : {0U, 1U, 16U, 63U, 64U}) {
    for (const std::size_t bytes : {0U, 1U, 15U, 16U, 63U, 64U, 65U, 130U, 300U}) {
      std::vector<std::byte> to(512);
      stream_copy(std::span{from}.subspan(7, bytes), to.data() + offset);

      for (std::size_t n = 0; n < to.size(); ++n) {
        const bool inside = n >= offset && n < offset + bytes;
        EXPECT_EQ(to[n], inside ? from[7 + n - offset] : std::byte{}) << offset << ' ' << bytes;
      }
    }
  }
}

}  // namespace
}  // namespace factorps

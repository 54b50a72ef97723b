#include "ps/gram_messages.hpp"

#include <gtest/gtest.h>

#include "common/error.hpp"

namespace factorps::ps {
namespace {

constexpr std::size_t kStride = 160;  // a part of it takes more than one message

GramSums over(std::vector<double>& memory) {
  memory.assign(kGramParts * kStride * kStride, 0);
  return {memory, kStride, gram_tile(kStride)};
}

class GramMessages : public testing::Test {
 protected:
  GramMessages() {
    for (std::size_t n = 0; n < from_memory_.size(); ++n) {
      from_memory_[n] = static_cast<double>(n + 1);
    }
  }

  std::vector<double> from_memory_;
  GramSums from_ = over(from_memory_);
  std::vector<double> users_memory_;
  GramSums users_ = over(users_memory_);
  std::vector<double> items_memory_;
  GramSums items_ = over(items_memory_);
};

TEST_F(GramMessages, BringOnePartToTheMatrixThatItIsOf) {
  const auto messages = gram_messages(from_, Side::items, 2);
  EXPECT_GT(messages.size(), 1U);
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  for (const auto& body : messages) {
    EXPECT_LE(body.size(), 60U << 10);
    rows += take_gram_message(body, users_, items_);
    bytes += body.size();
  }
  EXPECT_EQ(rows, kStride);
  EXPECT_EQ(bytes, gram_message_bytes(from_));
  for (std::size_t i = 0; i < kStride; ++i) {
    for (std::size_t j = 0; j < kStride; ++j) {
      const bool stored = i / from_.tile <= j / from_.tile;  // else what stands across the diagonal
      const std::size_t place = stored ? i * kStride + j : j * kStride + i;
      EXPECT_EQ(items_.at(i, j), from_memory_[2 * kStride * kStride + place]);  // others are zero
    }
  }
  EXPECT_EQ(users_memory_, std::vector<double>(users_memory_.size()));
}

TEST_F(GramMessages, AreRefusedIfTheyAreDamaged) {
  auto body = gram_messages(from_, Side::users, 3).front();
  auto wrong = body;
  wrong.pop_back();
  EXPECT_THROW(take_gram_message(wrong, users_, items_), ProtocolError);
  EXPECT_THROW(take_gram_message(std::span{body}.first(5), users_, items_), ProtocolError);
  wrong = body;
  wrong[4] = std::byte{kGramParts};  // the part
  EXPECT_THROW(take_gram_message(wrong, users_, items_), ProtocolError);
  wrong = body;
  wrong[8] = std::byte{kStride - 1};  // the first row
  EXPECT_THROW(take_gram_message(wrong, users_, items_), ProtocolError);
}

}  // namespace
}  // namespace factorps::ps

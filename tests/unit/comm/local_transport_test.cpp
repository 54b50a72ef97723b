#include "comm/local_transport.hpp"

#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>

namespace factorps::comm {
namespace {

std::vector<std::byte> body(unsigned n) { return {std::byte(n), std::byte(n >> 8)}; }

TEST(LocalHub, DeliversInOrderToTheRightRole) {
  LocalHub hub{3};
  const auto zero = hub.link(0);
  const auto one = hub.link(1);
  const auto two = hub.link(2);
  EXPECT_FALSE(two->poll());
  zero->send(2, Tag::command, body(1));
  one->send(2, Tag::progress, body(2));
  zero->send(2, Tag::shutdown, {});
  EXPECT_FALSE(one->poll());
  const auto first = two->poll();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->from, 0);
  EXPECT_EQ(first->tag, Tag::command);
  EXPECT_EQ(first->body, body(1));
  EXPECT_EQ(two->poll()->from, 1);
  EXPECT_EQ(two->poll()->tag, Tag::shutdown);
  EXPECT_FALSE(two->poll());
}

TEST(LocalHub, DeliversToOneself) {
  LocalHub hub{1};
  const auto link = hub.link(0);
  link->send(0, Tag::progress, body(3));
  EXPECT_EQ(link->poll()->body, body(3));
}

TEST(LocalHub, RefusesAnUnknownRole) {
  LocalHub hub{1};
  EXPECT_THROW(hub.link(0)->send(1, Tag::progress, {}), std::out_of_range);
}

TEST(LocalHub, KeepsTheOrderOfEachSenderAcrossThreads) {
  constexpr int kSenders = 3;
  constexpr unsigned kMessages = 500;
  LocalHub hub{1 + kSenders};
  std::vector<std::jthread> senders;
  for (int s = 1; s <= kSenders; ++s) {
    senders.emplace_back([link = hub.link(s)] {
      for (unsigned n = 0; n < kMessages; ++n) link->send(0, Tag::progress, body(n));
    });
  }
  const auto link = hub.link(0);
  std::vector<unsigned> next(1 + kSenders, 0);
  for (unsigned got = 0; got < kSenders * kMessages;) {
    const auto envelope = link->poll();
    if (!envelope) {
      std::this_thread::yield();
      continue;
    }
    ++got;
    ASSERT_EQ(envelope->body, body(next.at(static_cast<std::size_t>(envelope->from))++));
  }
  EXPECT_FALSE(link->poll());
}

}  // namespace
}  // namespace factorps::comm

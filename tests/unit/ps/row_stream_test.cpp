/// What a node asks others for and when it lets its workers begin, without any workers.
#include "ps/row_stream.hpp"

#include <algorithm>
#include <cstring>
#include <deque>
#include <memory>

#include <gtest/gtest.h>

#include "comm/local_transport.hpp"
#include "common/aligned_buffer.hpp"
#include "common/error.hpp"

namespace factorps::ps {
namespace {

constexpr std::size_t kDim = 512;  // 30 rows in a message, 20 messages with a block

/// Counts the questions that are under way.
class Counting : public comm::Transport {
 public:
  explicit Counting(std::unique_ptr<comm::Transport> link) : link_{std::move(link)} {}
  void send(comm::RoleId to, comm::Tag tag, std::vector<std::byte> body) override {
    if (tag == comm::Tag::pull_rows) most = std::max(most, ++awaited);
    link_->send(to, tag, std::move(body));
  }
  std::optional<comm::Envelope> poll() override {
    auto envelope = link_->poll();
    if (envelope && envelope->tag == comm::Tag::rows) --awaited;
    return envelope;
  }
  int awaited = 0;
  int most = 0;

 private:
  std::unique_ptr<comm::Transport> link_;
};

/// Two nodes, whose streams are roles 1 and 2.
class RowStreamOf : public testing::Test {
 protected:
  struct Node {
    AlignedBuffer<std::byte> table_memory;
    std::optional<Tables> tables;
    AlignedBuffer<std::byte> als_memory;
    std::optional<AlsTables> als;
    AlignedBuffer<std::byte> stream_memory;
    std::optional<StreamNode> node;
    std::optional<Counting> link;
    std::optional<RowStream> stream;
  };

  RowStreamOf() {
    for (int n = 0; n < 2; ++n) {
      Node& node = nodes_.emplace_back();
      const NodeShare share = map_.share(n, 0);
      node.table_memory = AlignedBuffer<std::byte>{Tables::bytes_needed(grid_, kDim, share)};
      node.tables.emplace(node.table_memory.span(), grid_, kDim, share);
      const AlsShare als{placement_.strips(n), placement_.homes(n)};
      const std::vector<std::uint64_t> cells(grid_.cells());
      node.als_memory = AlignedBuffer<std::byte>{AlsTables::bytes_needed(grid_, kDim, als, cells)};
      node.als.emplace(node.als_memory.span(), *node.tables, als, cells);
      node.stream_memory =
          AlignedBuffer<std::byte>{StreamNode::bytes_needed(map_, n, node.tables->stride())};
      node.node.emplace(node.stream_memory.span(), *node.als, map_, n);
      node.link.emplace(hub_.link(1 + n));
      node.stream.emplace(*node.link, std::vector<comm::RoleId>{1, 2}, *node.node);
    }
    // Every row says where it is from.
    for (std::uint64_t row = 0; row < grid_.items(); ++row) {
      const RowAddress at = map_.item(row);
      nodes_[static_cast<std::size_t>(at.node)].node->row(at.at)[0] = static_cast<float>(row);
    }
  }
  void begin(comm::PassKind kind) {
    comm::StartPass pass;
    pass.pass = passes_++;
    pass.kind = kind;
    for (Node& node : nodes_) node.stream->begin(pass);
  }
  /// Until nothing moves any more.
  void settle() {
    for (bool moved = true; moved;) {
      moved = false;
      for (Node& node : nodes_) {
        moved = node.stream->step() || moved;
        while (auto envelope = node.link->poll()) {
          node.stream->receive(std::move(*envelope));
          moved = true;
        }
      }
    }
  }
  /// Units that may begin, of the first pass.
  std::uint64_t open(std::size_t node) const {
    return nodes_[node].node->open().load(std::memory_order_relaxed);
  }
  void finish(std::size_t node, std::uint64_t from, std::uint64_t to) {
    for (std::uint64_t unit = from; unit < to; ++unit) {
      nodes_[node].node->done(unit).store(passes_, std::memory_order_relaxed);
    }
  }
  bool complete(std::size_t node) const {
    return nodes_[node].node->complete().load(std::memory_order_relaxed) == passes_;
  }

  Grid grid_{{0, 1000, 2000, 3000, 4000}, {0, 600, 1200, 1800, 2400, 3000, 3600}};
  CellOrder order_{4, 6, 1};
  Placement placement_{order_, {0, 0, 1, 1}, 1};
  StreamMap map_{grid_, placement_, 2};
  comm::LocalHub hub_{3};
  std::deque<Node> nodes_;
  std::uint64_t passes_ = 0;
};

TEST_F(RowStreamOf, ShowsOneBlockAfterTheOtherAndNoMoreThanThereIsRoomFor) {
  begin(comm::PassKind::evaluate);
  settle();
  for (std::size_t n = 0; n < 2; ++n) {
    const StreamNode& node = *nodes_[n].node;
    const std::size_t own = node.als().share().blocks.size();
    const auto check = [&](std::size_t position) {
      const BlockId block = node.blocks()[position];
      EXPECT_EQ(node.tables().block(block).factors[0],
                static_cast<float>(grid_.items_of(block).begin));
    };
    EXPECT_EQ(open(n), (own + 2) * 2);  // strips; two blocks of others
    for (std::size_t b = 0; b < own + 2; ++b) check(b);
    finish(n, 0, (own + 1) * 2);
    settle();
    EXPECT_EQ(open(n), (own + 3) * 2);
    check(own + 2);
    EXPECT_FALSE(complete(n));
    finish(n, 0, 6 * 2);
    settle();
    EXPECT_EQ(open(n), 6 * 2);
    EXPECT_TRUE(complete(n));
  }
}

/// Counts of a strip, and sums of a part, go on from stage to stage.
TEST_F(RowStreamOf, OpensCountsAndSumsOneByOne) {
  begin(comm::PassKind::rank_counts);
  settle();
  EXPECT_EQ(open(0), 2);
  EXPECT_EQ(open(1), 2);
  for (std::size_t n = 0; n < 2; ++n) {
    for (std::uint64_t stage = 1; stage < 6; ++stage) {
      finish(n, 0, stage * 2);
      settle();
      EXPECT_EQ(open(n), (stage + 1) * 2);
    }
    finish(n, 0, 12);
  }
  settle();
  EXPECT_TRUE(complete(0));
  begin(comm::PassKind::gram_users);
  settle();
  for (std::size_t n = 0; n < 2; ++n) {
    EXPECT_EQ(open(n), 12 + nodes_[n].node->tiles());
    EXPECT_GT(nodes_[n].node->units(comm::PassKind::gram_users), nodes_[n].node->tiles());
  }
}

/// A node has all sums when the others have sent theirs, whatever it has done itself.
TEST_F(RowStreamOf, WaitsForTheSumsOfOthers) {
  begin(comm::PassKind::gram_items);
  settle();
  const auto units = [&](std::size_t n) {
    return nodes_[n].node->units(comm::PassKind::gram_items);
  };
  const auto owner = static_cast<std::size_t>(map_.gram_node(Side::items, 0));
  const std::size_t other = 1 - owner;
  nodes_[other].node->gram(Side::items).parts[0] = 5;
  nodes_[owner].node->gram(Side::items).parts[0] = 7;
  finish(other, 0, units(other));
  settle();
  EXPECT_FALSE(complete(other));
  finish(owner, 0, units(owner));
  settle();
  EXPECT_TRUE(complete(owner));
  EXPECT_TRUE(complete(other));
  EXPECT_EQ(nodes_[other].node->gram(Side::items).parts[0], 7);
}

TEST_F(RowStreamOf, HasAFewQuestionsUnderWay) {
  begin(comm::PassKind::rank_scores);
  settle();
  for (const Node& node : nodes_) {
    EXPECT_EQ(node.link->most, 32);
    EXPECT_EQ(node.link->awaited, 0);
  }
}

TEST_F(RowStreamOf, RefusesWhatNobodyAskedForOrCanHave) {
  begin(comm::PassKind::evaluate);
  RowStream& stream = *nodes_[0].stream;
  const auto words = [](std::uint32_t word, std::size_t bytes) {
    std::vector<std::byte> body(bytes);
    std::memcpy(body.data(), &word, sizeof word);
    return body;
  };
  EXPECT_THROW(stream.receive({2, comm::Tag::rows, words(0, 128)}), ProtocolError);
  const auto beyond = static_cast<std::uint32_t>(map_.own_rows(0));
  EXPECT_THROW(stream.receive({2, comm::Tag::pull_rows, words(beyond, 4)}), ProtocolError);
  EXPECT_THROW(stream.receive({0, comm::Tag::pull_rows, words(0, 4)}), ProtocolError);
  EXPECT_THROW(stream.receive({2, comm::Tag::credit, {}}), ProtocolError);
}

}  // namespace
}  // namespace factorps::ps

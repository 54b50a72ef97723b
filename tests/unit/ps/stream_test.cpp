/// Where rows are, in which pieces nodes work, and what they ask others for, when no node holds
/// whole tables.
#include <algorithm>
#include <array>
#include <deque>
#include <set>

#include <gtest/gtest.h>

#include "common/random.hpp"
#include "model/kernels/als_kernel.hpp"
#include "ps/stream_index.hpp"
#include "ps/stream_map.hpp"

namespace factorps::ps {
namespace {

constexpr std::uint32_t kBlocks = 24;
constexpr std::uint64_t kLargest = 400;  // rows of a block

std::vector<std::uint64_t> uneven_blocks() {
  std::vector<std::uint64_t> begin{0};
  for (std::uint32_t b = 0; b < kBlocks; ++b) {
    begin.push_back(begin.back() + std::array<std::uint64_t, 5>{300, 33, kLargest, 1, 380}[b % 5]);
  }
  return begin;
}

/// Nodes with neighbouring strips of a grid of uneven strips and blocks.
struct Cluster {
  Grid grid{{0, 700, 700, 1330, 4000, 4010, 6000}, uneven_blocks()};
  CellOrder order{6, kBlocks, 5};
  Placement placement{order, {0, 0, 1, 1, 2, 2}, 1};
};

TEST(StreamMap, GivesEveryRowAnAddressOfItsOwn) {
  const Cluster cluster;
  const StreamMap map{cluster.grid, cluster.placement, 2};
  std::set<std::pair<int, std::uint32_t>> seen;
  const auto check = [&](RowAddress address) {
    EXPECT_LT(address.at, map.own_rows(address.node));
    EXPECT_TRUE(seen.insert({address.node, address.at}).second);
  };
  for (std::uint64_t row = 0; row < cluster.grid.users(); ++row) check(map.user(row));
  for (std::uint64_t row = 0; row < cluster.grid.items(); ++row) check(map.item(row));
}

TEST(StreamMap, HoldsAThirdOfTheRowsAndABuffer) {
  const Cluster cluster;
  const StreamMap map{cluster.grid, cluster.placement, 2};
  std::uint64_t users = 0;
  for (int node = 0; node < 3; ++node) {
    const NodeShare share = map.share(node, 2);
    EXPECT_EQ(share.places, cluster.placement.homes(node).size() + 2);
    users += map.users(node).size();
  }
  EXPECT_EQ(users, cluster.grid.users());
  EXPECT_EQ(map.buffer(), 2 * kLargest);
}

TEST(StreamMap, ShowsEveryNodeAllBlocksItsOwnFirst) {
  const Cluster cluster;
  const StreamMap map{cluster.grid, cluster.placement, 2};
  for (int node = 0; node < 3; ++node) {
    const auto blocks = map.blocks_in_turn(node);
    const auto homes = cluster.placement.homes(node);
    EXPECT_TRUE(std::equal(homes.begin(), homes.end(), blocks.begin()));
    EXPECT_EQ((std::set<BlockId>{blocks.begin(), blocks.end()}.size()), kBlocks);
  }
}

TEST(StreamMap, CutsEveryPartOfAGramMatrixWhereFloatSumsEnd) {
  const Cluster cluster;
  for (const std::uint32_t visiting : {2U, 5U}) {
    const StreamMap map{cluster.grid, cluster.placement, visiting};
    for (const Side side : {Side::users, Side::items}) {
      std::set<std::uint32_t> parts;
      std::uint64_t rows = 0;
      for (int node = 0; node < 3; ++node) {
        const auto pieces = map.gram_pieces(side, node);
        for (std::size_t n = 0; n < pieces.size(); ++n) {
          rows += pieces[n].rows.size();
          EXPECT_LE(pieces[n].rows.size(), map.buffer() / 2);
          EXPECT_LE(pieces[n].slot + pieces[n].rows.size(), map.buffer());
          if (pieces[n].last) {
            EXPECT_TRUE(parts.insert(pieces[n].part).second);
          } else {
            EXPECT_EQ(pieces[n].rows.size() % kGramRows, 0U);
            EXPECT_EQ(pieces[n + 1].rows.begin, pieces[n].rows.end);
          }
        }
      }
      EXPECT_EQ(parts.size(), kGramParts);
      EXPECT_EQ(rows, side == Side::users ? cluster.grid.users() : cluster.grid.items());
    }
  }
}

TEST(Batches, CoverTheRowsOfEverySliceInOrder) {
  const Batches batches{{70, 0, 63, 5}, 4};
  std::uint64_t n = 0;
  for (std::uint32_t range = 0; range < 4; ++range) {
    const std::uint64_t size = std::vector<std::uint64_t>{70, 0, 63, 5}[range];
    for (std::uint32_t slice = 0; slice < 4; ++slice) {
      EXPECT_EQ(batches.first(range, slice), n);
      const RowRange rows = slice_of({0, size}, slice, 4);
      for (std::uint64_t begin = rows.begin; begin < rows.end; begin += kAlsBatch, ++n) {
        const Batch batch = batches.at(n);
        EXPECT_EQ(batch.range, range);
        EXPECT_EQ(batch.slice, slice);
        EXPECT_EQ(batch.rows.begin, begin);
        EXPECT_EQ(batch.rows.end, std::min(begin + kAlsBatch, rows.end));
      }
    }
  }
  EXPECT_EQ(batches.size(), n);
}

TEST(VisitingPlaces, GiveRoomForTheBatchWithMostInteractions) {
  const Cluster cluster;
  std::vector<std::uint32_t> users(cluster.grid.users(), 1);
  const std::vector<std::uint32_t> items(cluster.grid.items(), 1);
  const auto places = [&](std::uint64_t rows) {
    return visiting_places(cluster.grid, cluster.placement, rows, users, items);
  };
  EXPECT_EQ(places(1), 2U);
  EXPECT_EQ(places(2 * kLargest + 1), 3U);
  users[100] = 100'000;  // more than there are items elsewhere
  const StreamMap map{cluster.grid, cluster.placement, places(1)};
  const int node = map.user(100).node;
  std::uint64_t elsewhere = cluster.grid.items();
  for (const BlockId block : cluster.placement.homes(node)) {
    elsewhere -= cluster.grid.items_of(block).size();
  }
  EXPECT_GE(map.buffer(), elsewhere);
  EXPECT_LT(map.buffer(), elsewhere + map.block_rows());
}

/// Lists of a node for its rows, with interactions that are drawn; some rows are popular.
class StreamIndexOf : public testing::TestWithParam<std::uint32_t> {
 protected:
  struct Lists {
    std::vector<std::uint64_t> begin{0};
    std::vector<std::uint32_t> others;
    [[nodiscard]] RowLists view() { return {begin, others}; }
  };
  void draw(Side side, int node, std::uint64_t most_of_row) {
    const RandomStream random{GetParam(), Purpose::cell_seed};
    const std::uint64_t others =
        side == Side::users ? cluster_.grid.items() : cluster_.grid.users();
    std::vector<std::uint64_t> sizes;
    for (const BlockId block : cluster_.placement.homes(node)) {
      if (side == Side::items) sizes.push_back(cluster_.grid.items_of(block).size());
    }
    const Share strips = cluster_.placement.strips(node);
    for (std::uint32_t s = strips.begin; side == Side::users && s < strips.end; ++s) {
      sizes.push_back(cluster_.grid.users_of(StripId{s}).size());
    }
    std::uint64_t drawn = 0;
    for (const std::uint64_t size : sizes) {
      Lists& lists = lists_.emplace_back();
      for (std::uint64_t row = 0; row < size; ++row) {
        const bool heavy = row % 61 == 7;
        const std::uint64_t count = random.bits(drawn++, 0) % (heavy ? most_of_row : 12);
        for (std::uint64_t n = 0; n < count; ++n) {
          const std::uint64_t range = random.bits(drawn, 1) % 2 == 0 ? others : others / 10;
          lists.others.push_back(static_cast<std::uint32_t>(random.bits(drawn++, 2) % range));
        }
        lists.begin.push_back(lists.others.size());
      }
    }
    expected_ = lists_;
  }

  Cluster cluster_;
  std::deque<Lists> lists_;
  std::deque<Lists> expected_;
};

/// Plays the passes of a node whose rows come as early as they may. A slot holds the address of the
/// row that was last loaded there.
TEST_P(StreamIndexOf, BringsEveryRowToWhereItsInteractionsLookForIt) {
  for (const Side side : {Side::users, Side::items}) {
    const Side other = side == Side::users ? Side::items : Side::users;
    for (int node = 0; node < 3; ++node) {
      lists_.clear();
      const StreamMap map{cluster_.grid, cluster_.placement, GetParam()};
      draw(side, node, map.buffer() / 2);
      StreamIndex index{map, node, side};
      for (Lists& lists : lists_) index.add(lists.view());
      index.finish();
      const auto& portions = index.portions();
      const auto before = index.solved_before();
      ASSERT_FALSE(portions.empty());
      const Batches batches = map.batches(side, node);
      EXPECT_EQ(portions.back().batches, batches.size());
      std::vector<std::pair<int, std::uint32_t>> buffer(map.buffer());
      std::size_t loaded = 0;
      std::uint64_t batch = 0;
      for (std::size_t portion = 0; portion < portions.size(); ++portion) {
        for (; loaded < portions.size() && before[loaded] <= portion; ++loaded) {
          for (const Load& load : index.loads(loaded)) {
            for (std::size_t n = 0; n < load.rows.size(); ++n) {
              buffer[(load.slot + n) % buffer.size()] = {load.node, load.rows[n]};
            }
          }
        }
        ASSERT_GT(loaded, portion);
        for (; batch < portions[portion].batches; ++batch) {
          const Batch at = batches.at(batch);
          const Lists& lists = lists_[at.range];
          for (std::uint64_t n = lists.begin[at.rows.begin]; n < lists.begin[at.rows.end]; ++n) {
            const RowAddress row = map.address(other, expected_[at.range].others[n]);
            const std::uint32_t place = lists.others[n];
            if (row.node == node) {
              ASSERT_EQ(place, row.at);
            } else {
              ASSERT_GE(place, map.own_rows(node));
              ASSERT_EQ(buffer.at(place - map.own_rows(node)), (std::pair{row.node, row.at}));
            }
          }
        }
      }
    }
  }
}

/// Whatever fits the buffer at once is loaded once.
TEST_P(StreamIndexOf, LoadsNothingTwiceIfThereIsRoom) {
  const StreamMap map{cluster_.grid, cluster_.placement, 32};
  draw(Side::users, 1, 100);
  StreamIndex index{map, 1, Side::users};
  for (Lists& lists : lists_) index.add(lists.view());
  std::set<std::uint32_t> elsewhere;
  for (const Lists& lists : expected_) {
    for (const std::uint32_t row : lists.others) {
      if (map.item(row).node != 1) elsewhere.insert(row);
    }
  }
  const auto& last = index.portions().back();
  EXPECT_EQ(last.loaded + last.rows, elsewhere.size());
}

/// From a buffer that hardly holds the heaviest batch on.
INSTANTIATE_TEST_SUITE_P(Places, StreamIndexOf, testing::Values(1U, 2U, 3U, 9U));

}  // namespace
}  // namespace factorps::ps

#include "ps/leases.hpp"

#include <algorithm>
#include <atomic>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "common/aligned_buffer.hpp"

namespace factorps::ps {
namespace {

/// Grid of one row per strip and block: leases do not look at rows.
Grid grid_of(std::uint32_t strips, std::uint32_t blocks) {
  Grid grid;
  for (std::uint32_t s = 0; s <= strips; ++s) grid.strip_begin.push_back(s);
  for (std::uint32_t b = 0; b <= blocks; ++b) grid.block_begin.push_back(b);
  return grid;
}

/// A node with its counters, and what its cells have seen. The records are plain memory that only
/// the holder of a lease writes: a sanitizer sees it if two hold one at a time, and the order in
/// them shows it if somebody came too early.
class Node {
 public:
  Node(std::uint32_t strips, std::uint32_t blocks, std::uint64_t seed)
      : grid_{grid_of(strips, blocks)},
        memory_{Tables::bytes_needed(grid_, 1, whole_grid(grid_))},
        tables_{memory_.span(), grid_, 1, whole_grid(grid_)},
        order_{strips, blocks, seed},
        seen_by_strip_(strips),
        seen_by_block_(blocks) {}

  /// Of every `stride`-th strip from `first` on; by default all.
  [[nodiscard]] Leases leases(std::uint32_t first = 0, std::uint32_t stride = 1) const {
    std::vector<StripId> strips;
    for (std::uint32_t s = first; s < grid_.strips(); s += stride) strips.emplace_back(s);
    return {tables_, order_, strips};
  }

  void work(const Lease& lease) {
    seen_by_strip_[lease.strip.value()].push_back(lease.block.value());
    seen_by_block_[lease.block.value()].push_back(lease.strip.value());
  }

  /// One worker: takes cells until the pass is over. @return how many it took
  std::size_t run(Leases& leases, std::uint64_t pass) {
    std::size_t cells = 0;
    leases.begin(pass);
    while (!leases.finished()) {
      if (const auto lease = leases.try_acquire()) {
        work(*lease);
        leases.release(*lease);
        ++cells;
      } else {
        std::this_thread::yield();
      }
    }
    return cells;
  }

  void expect_exact_order(std::uint64_t passes) const {
    for (std::uint32_t s = 0; s < grid_.strips(); ++s) {
      EXPECT_EQ(seen_by_strip_[s], repeated(blocks_along(s), passes)) << "strip " << s;
    }
    for (std::uint32_t b = 0; b < grid_.blocks(); ++b) {
      EXPECT_EQ(seen_by_block_[b], repeated(strips_along(b), passes)) << "block " << b;
    }
  }

  const Grid& grid() const { return grid_; }
  const Tables& tables() const { return tables_; }
  const CellOrder& order() const { return order_; }

 private:
  using Record = std::vector<std::uint32_t>;

  static Record repeated(const Record& once, std::uint64_t times) {
    Record all;
    for (std::uint64_t n = 0; n < times; ++n) all.insert(all.end(), once.begin(), once.end());
    return all;
  }
  Record blocks_along(std::uint32_t strip) const {
    Record blocks;
    for (std::uint32_t step = 0; step < order_.steps(); ++step) {
      if (const auto block = order_.block_at(StripId{strip}, step))
        blocks.push_back(block->value());
    }
    return blocks;
  }
  Record strips_along(std::uint32_t block) const {
    Record strips;
    for (std::uint32_t step = 0; step < order_.steps(); ++step) {
      for (std::uint32_t s = 0; s < grid_.strips(); ++s) {
        if (order_.block_at(StripId{s}, step) == BlockId{block}) strips.push_back(s);
      }
    }
    return strips;
  }

  Grid grid_;
  AlignedBuffer<std::byte> memory_;
  Tables tables_;
  CellOrder order_;
  std::vector<Record> seen_by_strip_;  // [strip]
  std::vector<Record> seen_by_block_;  // [block]
};

TEST(Leases, OneWorkerVisitsEveryCellInOrder) {
  for (const std::uint32_t strips : {1U, 3U, 5U}) {
    for (const std::uint32_t blocks : {1U, 3U, 8U}) {
      Node node{strips, blocks, 1};
      Leases leases = node.leases();
      for (std::uint64_t pass = 0; pass < 3; ++pass) {
        EXPECT_EQ(node.run(leases, pass), node.grid().cells());
      }
      node.expect_exact_order(3);
    }
  }
}

/// Random grids and numbers of workers, four passes each.
/// @param apart each worker has strips of its own: then only the blocks' turns bind them together
void expect_order_with_several_workers(bool apart) {
  std::mt19937 random{1};
  for (int trial = 0; trial < 20; ++trial) {
    const auto strips = 1 + static_cast<std::uint32_t>(random() % 9);
    const auto blocks = 1 + static_cast<std::uint32_t>(random() % 9);
    const auto workers = 2 + static_cast<std::uint32_t>(random() % 3);
    SCOPED_TRACE(testing::Message() << strips << " x " << blocks << ", " << workers << " workers");
    Node node{strips, blocks, random()};
    constexpr std::uint64_t kPasses = 4;
    for (std::uint64_t pass = 0; pass < kPasses; ++pass) {
      std::vector<std::jthread> threads;
      for (std::uint32_t w = 0; w < workers; ++w) {
        threads.emplace_back([&node, pass, first = apart ? w : 0, stride = apart ? workers : 1] {
          Leases leases = node.leases(first, stride);
          node.run(leases, pass);
        });
      }
    }
    node.expect_exact_order(kPasses);
  }
}

TEST(Leases, SeveralWorkersKeepTheOrderOfStripsAndBlocks) {
  expect_order_with_several_workers(false);
}

TEST(Leases, WorkersWithStripsOfTheirOwnKeepTheOrderOfBlocks) {
  expect_order_with_several_workers(true);
}

TEST(Leases, GiveNothingOutTwice) {
  Node node{1, 1, 1};
  Leases one = node.leases();
  Leases two = node.leases();
  one.begin(0);
  two.begin(0);
  const auto lease = one.try_acquire();
  ASSERT_TRUE(lease);
  EXPECT_FALSE(two.try_acquire());
  EXPECT_FALSE(two.finished());
  one.release(*lease);
  EXPECT_FALSE(two.try_acquire());
  EXPECT_TRUE(two.finished());
}

TEST(Leases, WaitForTheTurnOfTheBlock) {
  Node node{2, 1, 1};
  Leases leases = node.leases();
  leases.begin(0);
  const auto first = leases.try_acquire();
  ASSERT_TRUE(first);
  EXPECT_FALSE(leases.try_acquire());  // the other strip needs the same block
  leases.release(*first);
  const auto second = leases.try_acquire();
  ASSERT_TRUE(second);
  EXPECT_NE(second->strip, first->strip);
}

TEST(Leases, TakeOnlyTheStripsOfTheirNode) {
  Node node{3, 3, 1};
  Leases leases{node.tables(), node.order(), {StripId{1}}};
  leases.begin(0);
  for (int tries = 0; tries < 10; ++tries) {
    const auto lease = leases.try_acquire();
    if (!lease) break;
    EXPECT_EQ(lease->strip, StripId{1});
    leases.release(*lease);
  }
  EXPECT_FALSE(leases.finished());  // its first turn after the others' comes only with them
}

TEST(Leases, HaveNothingToDoWithoutStrips) {
  Node node{3, 3, 1};
  Leases leases{node.tables(), node.order(), {}};
  leases.begin(0);
  EXPECT_FALSE(leases.try_acquire());
  EXPECT_TRUE(leases.finished());
}

/// What a pass that pauses works on: the steps of each strip, in its order.
class PausedNode : public testing::Test {
 protected:
  static constexpr std::uint32_t kStrips = 6;
  static constexpr std::uint32_t kBlocks = 9;

  /// One worker's pass; `act` is called before each look for a cell, with how many were taken.
  template <class Act>
  void run(std::uint64_t pass, std::uint32_t first_step, Act&& act) {
    Leases leases = node_.leases();
    leases.begin(pass);
    for (std::size_t taken = 0; !leases.finished();) {
      act(taken);
      const auto lease = leases.try_acquire();
      if (!lease) {
        ASSERT_LT(idle_++, 1000) << "nothing goes on";
        continue;
      }
      if (lease->step >= first_step && !leases.paused_before(*lease)) {
        done_[lease->strip.value()].push_back(lease->step);
      }
      leases.release(*lease);
      ++taken;
    }
  }
  [[nodiscard]] PassSteps pass(std::uint64_t n) const { return {n, node_.order().steps()}; }

  Node node_{kStrips, kBlocks, 3};
  std::vector<std::vector<std::uint32_t>> done_{kStrips};
  int idle_ = 0;
};

TEST_F(PausedNode, WorksOnEveryCellBeforeTheStepAndOnNoOther) {
  for (std::size_t when = 0; when < kStrips * kBlocks; when += 5) {
    const std::uint64_t n = 2 * (when / 5);  // passes
    std::ranges::for_each(done_, [](auto& steps) { steps.clear(); });
    std::uint32_t pause = 0;
    run(n, 0, [&](std::size_t taken) {
      if (taken != when || pause > 0) return;
      pause = hold_pass(node_.tables(), {0, kStrips}, pass(n));
      EXPECT_EQ(hold_pass(node_.tables(), {0, kStrips}, pass(n)), pause);
      pause_pass(node_.tables(), pause, pass(n));
    });
    ASSERT_GT(pause, 0U);
    std::vector<std::vector<std::uint32_t>> rest = done_;
    for (auto& steps : rest) {
      for (const std::uint32_t step : steps) EXPECT_LT(step, pause);
    }
    // The next pass does the rest: together each step once.
    run(n + 1, pause, [](std::size_t) {});
    for (const auto& steps : done_) {
      ASSERT_EQ(steps.size(), kBlocks);
      for (std::uint32_t step = 0; step < kBlocks; ++step) EXPECT_EQ(steps[step], step);
    }
  }
}

TEST_F(PausedNode, BeginsNoNewStepWhileItHolds) {
  std::uint32_t hold = 0;
  int looks = 0;
  run(0, 0, [&](std::size_t taken) {
    if (taken == 10 && hold == 0) hold = hold_pass(node_.tables(), {0, kStrips}, pass(0));
    if (hold > 0 && looks++ == 200) pause_pass(node_.tables(), kBlocks, pass(0));
    if (hold > 0 && looks <= 200) {
      for (const auto& steps : done_) EXPECT_LE(steps.size(), hold);
    }
  });
  EXPECT_GT(looks, 200);
  for (const auto& steps : done_) EXPECT_EQ(steps.size(), kBlocks);  // nothing was left out
}

TEST_F(PausedNode, ForgetsHoldAndPauseWithTheNextPass) {
  run(0, 0, [&](std::size_t taken) {
    if (taken == 3) pause_pass(node_.tables(), 1, pass(0));
  });
  node_.tables().hold() = kBlocks;  // of a pass that is over
  run(1, 0, [](std::size_t) {});
  for (const auto& steps : done_) EXPECT_GE(steps.size(), kBlocks);
}

/// The worker that takes cells and the server that asks run on threads: a hold is a promise.
TEST_F(PausedNode, NeverBreaksAHoldOnSeveralThreads) {
  for (std::uint64_t n = 0; n < 40; ++n) {
    std::atomic<std::uint32_t> held{0};
    std::atomic<bool> broken{false};
    std::vector<std::jthread> workers;
    for (int w = 0; w < 3; ++w) {
      workers.emplace_back([&] {
        Leases leases = node_.leases();
        leases.begin(n);
        while (!leases.finished()) {
          const auto lease = leases.try_acquire();
          if (!lease) {
            std::this_thread::yield();
            continue;
          }
          const std::uint32_t hold = held;
          if (hold > 0 && lease->step >= hold) broken = true;
          leases.release(*lease);
        }
      });
    }
    held = hold_pass(node_.tables(), {0, kStrips}, pass(n));
    for (int k = 0; k < 100; ++k) std::this_thread::yield();
    const std::uint32_t pause = held.exchange(0);
    pause_pass(node_.tables(), pause, pass(n));
    workers.clear();
    EXPECT_FALSE(broken) << n;
  }
}

}  // namespace
}  // namespace factorps::ps

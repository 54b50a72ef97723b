#include "worker/rows/lane.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/synthetic_dataset.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps::worker {
namespace {

using Pair = std::pair<std::uint64_t, std::uint64_t>;

class Lanes : public testing::Test {
 protected:
  test::TemporaryDirectory directory_;
  Dataset dataset_{test::write_synthetic(directory_ / "d.h5")};
  const std::uint64_t interactions_ = dataset_.interactions(Part::train);

  std::map<Pair, float> known() const {
    std::map<Pair, float> known;
    const Grid& grid = dataset_.grid();
    for (std::uint32_t s = 0; s < grid.strips(); ++s) {
      for (std::uint32_t b = 0; b < grid.blocks(); ++b) {
        const CellView cell = dataset_.cell(Part::train, StripId{s}, BlockId{b});
        for_each_interaction(cell, [&](std::uint32_t user, std::size_t n) {
          known[{grid.strip_begin[s] + user, grid.block_begin[b] + cell.items[n]}] = cell.value(n);
        });
      }
    }
    return known;
  }
};

void examples_of(const Lane& lane, std::uint64_t epoch, std::uint64_t step,
                 ps::RowExamples& examples) {
  std::vector<std::uint64_t> drawn;
  lane.draw(epoch, step, drawn);
  lane.examples(epoch, step, drawn, examples);
}

TEST_F(Lanes, EveryInteractionComesOnceInAnEpoch) {
  BatchOptions options;
  options.batch = 50;
  std::map<Pair, float> seen;
  std::set<std::uint64_t> numbers;
  for (const ps::Share strips : lanes_of(dataset_.grid().strips(), 3)) {
    const Lane lane{dataset_, strips, options};
    ps::RowExamples examples;
    for (std::uint64_t step = 0; step < steps_of_epoch(interactions_, 50); ++step) {
      examples_of(lane, 4, step, examples);
      ASSERT_EQ(examples.users.size(), examples.items.size());
      ASSERT_EQ(examples.users.size(), examples.targets.size());
      for (std::size_t n = 0; n < examples.users.size(); ++n) {
        const auto [at, fresh] =
            seen.try_emplace({examples.users[n], examples.items[n]}, examples.targets[n]);
        EXPECT_TRUE(fresh);
        EXPECT_TRUE(numbers.insert(examples.first + n).second);
      }
    }
  }
  EXPECT_EQ(seen, known());
  EXPECT_EQ(*numbers.begin(), 4 * interactions_);
  EXPECT_EQ(*numbers.rbegin(), 5 * interactions_ - 1);
}

TEST_F(Lanes, StepsAreAboutAsLargeAsABatchAndOtherwiseMixedInEveryEpoch) {
  BatchOptions options;
  options.batch = 50;
  const Lane lane{dataset_, {0, dataset_.grid().strips()}, options};
  ps::RowExamples first;
  ps::RowExamples again;
  ps::RowExamples other;
  const std::uint64_t steps = steps_of_epoch(interactions_, 50);
  for (std::uint64_t step = 0; step < steps; ++step) {
    examples_of(lane, 1, step, first);
    EXPECT_NEAR(static_cast<double>(first.users.size()),
                static_cast<double>(interactions_) / static_cast<double>(steps), 1);
    examples_of(lane, 1, step, again);
    EXPECT_EQ(first.items, again.items);
    examples_of(lane, 2, step, other);
    EXPECT_NE(first.items, other.items);
  }
}

TEST_F(Lanes, InteractionsOfAStepAscend) {
  BatchOptions options;
  options.batch = 50;
  const Lane lane{dataset_, {0, dataset_.grid().strips()}, options};
  ps::RowExamples examples;
  examples_of(lane, 1, 2, examples);
  std::vector<Pair> pairs;
  for (std::size_t n = 0; n < examples.users.size(); ++n)
    pairs.emplace_back(examples.users[n], examples.items[n]);
  EXPECT_TRUE(std::ranges::is_sorted(pairs));
}

/// What users had before, worked out by looking at everything.
class HistoriesOfLanes : public testing::Test {
 protected:
  struct Event {
    std::uint64_t user;
    std::uint32_t item;
    std::int64_t time;
  };
  HistoriesOfLanes() {
    options_.batch = 40;
    options_.negatives = 2;
    options_.binary = true;
    options_.times = true;
    options_.history = 3;
  }
  /// Of each interaction, at ten different times.
  static DatasetContents contents() {
    DatasetContents all = test::synthetic_contents();
    const auto& users = all.interactions.users;
    for (std::size_t n = 0; n < users.size(); ++n)
      all.interactions.times.push_back(static_cast<std::int64_t>(1000 * users[n] + n * 7 % 10));
    return all;
  }
  static std::vector<Event> events(const DatasetContents& all) {
    std::vector<Event> events;
    const PartitionedInteractions& in = all.interactions;
    for (std::size_t n = 0; n < in.users.size(); ++n) {
      if (in.parts[n] == Part::train)
        events.push_back({in.users[n], in.items[n], in.times.empty() ? 0 : in.times[n]});
    }
    return events;
  }

  test::TemporaryDirectory directory_;
  BatchOptions options_;
};

TEST_F(HistoriesOfLanes, AreTheLatestItemsOfEarlierTimes) {
  const DatasetContents all = contents();
  write_dataset(directory_ / "t.h5", all);
  const Dataset dataset{directory_ / "t.h5"};
  const std::vector<Event> known = events(all);
  std::size_t seen = 0;
  std::size_t cut = 0;
  for (const ps::Share strips : lanes_of(dataset.grid().strips(), 2)) {
    const Lane lane{dataset, strips, options_};
    ps::RowExamples examples;
    for (std::uint64_t step = 0; step < steps_of_epoch(known.size(), 40); ++step) {
      examples_of(lane, 1, step, examples);
      ASSERT_EQ(examples.times.size(), examples.users.size());
      ASSERT_EQ(examples.history_of.size(), examples.users.size());
      ASSERT_EQ(examples.histories.size(), examples.users.size() / 3) << "one for three examples";
      for (std::size_t n = 0; n < examples.users.size(); ++n) {
        const std::size_t of = n / 3 * 3;  // the interaction before its negatives
        std::int64_t time = -1;
        std::vector<std::pair<std::int64_t, std::uint32_t>> before;
        for (const Event& event : known) {
          if (event.user != examples.users[n]) continue;
          if (event.item == examples.items[of]) time = event.time;
        }
        for (const Event& event : known) {
          if (event.user == examples.users[n] && event.time < time)
            before.emplace_back(event.time, event.item);
        }
        std::ranges::sort(before, std::greater<>{});
        if (before.size() > 3) ++cut;
        before.resize(std::min<std::size_t>(before.size(), 3));
        std::vector<std::uint32_t> expected;
        for (const auto& [when, item] : before) expected.push_back(item);
        const auto found = examples.histories.of(examples.history_of[n]);
        EXPECT_EQ(examples.times[n], time);
        EXPECT_EQ(std::vector(found.begin(), found.end()), expected);
        seen += found.size();
      }
    }
  }
  EXPECT_GT(seen, 0U);
  EXPECT_GT(cut, 0U);
}

TEST_F(HistoriesOfLanes, LeaveOutTheInteractionItselfWhereTimesAreNotKnown) {
  DatasetContents all = contents();
  all.interactions.times = {};
  write_dataset(directory_ / "u.h5", all);
  const Dataset dataset{directory_ / "u.h5"};
  const std::vector<Event> known = events(all);
  options_.times = false;
  std::set<std::uint32_t> kinds;
  const Lane lane{dataset, {0, dataset.grid().strips()}, options_};
  ps::RowExamples examples;
  for (std::uint64_t step = 0; step < steps_of_epoch(known.size(), 40); ++step) {
    examples_of(lane, 1, step, examples);
    EXPECT_TRUE(examples.times.empty());
    for (std::size_t n = 0; n < examples.users.size(); n += 3) {
      const auto found = examples.histories.of(examples.history_of[n]);
      const std::set<std::uint32_t> items(found.begin(), found.end());
      EXPECT_EQ(items.size(), found.size()) << "each once";
      EXPECT_FALSE(items.contains(static_cast<std::uint32_t>(examples.items[n])));
      std::set<std::uint32_t> had;
      for (const Event& event : known) {
        if (event.user == examples.users[n]) had.insert(event.item);
      }
      EXPECT_EQ(items.size(), std::min<std::size_t>(3, had.size() - 1));
      EXPECT_TRUE(std::ranges::includes(had, items));
      kinds.insert(items.begin(), items.end());
    }
  }
  EXPECT_GT(kinds.size(), 20U) << "not the same few of everybody";
}

TEST_F(Lanes, NegativesAreTrainedItemsThatTheUserDoesNotKnow) {
  BatchOptions options;
  options.batch = 40;
  options.negatives = 3;
  options.binary = true;
  const auto all = known();
  for (const ps::Share strips : lanes_of(dataset_.grid().strips(), 2)) {
    const Lane lane{dataset_, strips, options};
    ps::RowExamples examples;
    std::set<std::uint64_t> drawn;
    for (std::uint64_t step = 0; step < steps_of_epoch(interactions_, 40); ++step) {
      examples_of(lane, 1, step, examples);
      for (std::size_t n = 0; n < examples.users.size(); ++n) {
        const Pair pair{examples.users[n], examples.items[n]};
        EXPECT_EQ(all.contains(pair), n % 4 == 0);
        EXPECT_EQ(examples.targets[n], n % 4 == 0 ? 1.0F : 0.0F);
        EXPECT_GT(dataset_.item_counts()[pair.second], 0U);
        EXPECT_EQ(pair.first, examples.users[n / 4 * 4]);
        if (n % 4 != 0) drawn.insert(pair.second);
      }
    }
    EXPECT_EQ(drawn.size(), dataset_.grid().items() - 1) << "all but the cold one";
  }
}

TEST_F(Lanes, AStepHasTheExamplesOfAllLanes) {
  BatchOptions options;
  options.batch = 50;
  options.negatives = 2;
  const std::vector<ps::Share> shares = lanes_of(dataset_.grid().strips(), 3);
  for (const bool pairs : {false, true}) {
    options.pairs = pairs;
    const StepSizes sizes{dataset_, shares, options};
    std::vector<Lane> lanes;
    for (const ps::Share share : shares) lanes.emplace_back(dataset_, share, options);
    ps::RowExamples examples;
    for (std::uint64_t step = 0; step < steps_of_epoch(interactions_, 50); ++step) {
      std::uint64_t sum = 0;
      for (const Lane& lane : lanes) {
        examples_of(lane, 0, step, examples);
        sum += examples.users.size();
      }
      EXPECT_EQ(sizes.examples(step), sum) << step;
    }
  }
}

TEST_F(Lanes, PairsAreAnInteractionBeforeEachOfItsNegatives) {
  BatchOptions options;
  options.batch = 40;
  options.negatives = 3;
  options.binary = true;
  const Lane apart{dataset_, {0, dataset_.grid().strips()}, options};
  options.pairs = true;
  const Lane paired{dataset_, {0, dataset_.grid().strips()}, options};
  ps::RowExamples single;
  ps::RowExamples pairs;
  examples_of(apart, 1, 2, single);
  examples_of(paired, 1, 2, pairs);
  ASSERT_EQ(pairs.users.size(), single.users.size() / 4 * 6);
  ASSERT_GT(pairs.users.size(), 0U);
  EXPECT_EQ(pairs.first, single.first / 4 * 6);
  for (std::size_t n = 0; n < pairs.users.size(); n += 2) {
    const std::size_t interaction = n / 6 * 4;
    EXPECT_EQ(pairs.users[n], single.users[interaction]);
    EXPECT_EQ(pairs.items[n], single.items[interaction]);
    EXPECT_EQ(pairs.targets[n], 1);
    EXPECT_EQ(pairs.users[n + 1], single.users[interaction]);
    EXPECT_EQ(pairs.items[n + 1], single.items[interaction + 1 + n % 6 / 2]);
    EXPECT_EQ(pairs.targets[n + 1], 0);
  }
}

TEST_F(Lanes, BelongToTheNodeOfTheirFirstStrip) {
  const std::vector<ps::Share> lanes = lanes_of(8, 4);  // 0-1, 2-3, 4-5, 6-7
  ps::RowTable users;
  users.name = "users";
  users.width = 1;
  for (std::uint64_t s = 0; s <= 8; ++s) users.begin.push_back(s * 10);
  const ps::RowLayout layout{{users}, {{0, 3}, {3, 8}}};
  using Numbers = std::vector<std::vector<std::uint32_t>>;
  EXPECT_EQ(lanes_of_workers(lanes, layout, {0, 1, 1}), (Numbers{{0, 1}, {2}, {3}}));
  EXPECT_EQ(lanes_of_workers(lanes, layout, {0, 0, 1}), (Numbers{{0}, {1}, {2, 3}}));
  EXPECT_EQ(lanes_of_workers(lanes, layout, {1, 0, 1, 1}), (Numbers{{}, {0, 1}, {2}, {3}}));
  EXPECT_EQ(lanes_of(2, 16).size(), 2U);
}

}  // namespace
}  // namespace factorps::worker

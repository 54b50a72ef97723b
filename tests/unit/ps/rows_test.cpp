#include <algorithm>
#include <cstddef>
#include <cstring>
#include <numeric>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "common/error.hpp"
#include "ps/rows/distinct_rows.hpp"
#include "tests/unit/ps/row_job.hpp"

namespace factorps::ps {
namespace {

using test::FakeRowJob;
using test::WorkersOfNodes;

constexpr std::uint64_t kSteps = 12;

/// Users in as many blocks as there are lanes, items in four, a layer of one.
std::vector<RowTable> tables(OptimizerKind kind = OptimizerKind::adam) {
  OptimizerOptions optimizer;
  optimizer.kind = kind;
  optimizer.learning_rate = 0.05F;
  return {{"users", 5, {0, 4, 9, 10, 17, 20, 23}, optimizer, false, {}},
          {"items", 3, {0, 6, 7, 12, 15}, optimizer, false, {}},
          {"layer", 2, {0, 3}, optimizer, false, {}}};
}

std::vector<float> trained(const WorkersOfNodes& shape, RowPolicy policy = {},
                           OptimizerKind kind = OptimizerKind::adam, std::uint64_t seed = 0,
                           test::Users users = test::Users::of_all) {
  FakeRowJob job{tables(kind), shape, policy, users};
  const RandomStream random{seed, Purpose::generate};
  std::uint64_t draw = 0;
  job.run(kSteps, [&](std::size_t roles) { return random.below(roles, draw++); });
  return job.everything();
}

TEST(DistinctRows, AreFoundInAnyOrderAndLeadBack) {
  const std::vector<std::uint64_t> rows{7, 4'000'000'000, 7, 0, 3, 4'000'000'000};
  std::vector<std::uint64_t> distinct{1, 2};
  std::vector<std::uint32_t> index{9};
  find_distinct(rows, distinct, index);
  EXPECT_EQ(distinct, (std::vector<std::uint64_t>{0, 3, 7, 4'000'000'000}));
  EXPECT_EQ(index, (std::vector<std::uint32_t>{2, 3, 2, 0, 1, 3}));
}

TEST(Rows, BspGivesTheSameBitsForEveryLayout) {
  for (const OptimizerKind kind :
       {OptimizerKind::sgd, OptimizerKind::adam, OptimizerKind::ftrl, OptimizerKind::adagrad_row}) {
    const auto expected = trained({1}, {}, kind);
    EXPECT_TRUE(std::ranges::any_of(expected, [](float x) { return x != 0; }));
    std::uint64_t seed = 1;
    for (const WorkersOfNodes& shape : std::vector<WorkersOfNodes>{{2},
                                                                   {6},
                                                                   {9},
                                                                   {1, 1},
                                                                   {1, 3},
                                                                   {2, 1, 2},
                                                                   {3, 3},
                                                                   {4, 4, 4},
                                                                   {1, 1, 1, 1},
                                                                   {1, 1, 1, 1, 1, 1}}) {
      EXPECT_EQ(trained(shape, {}, kind, seed++), expected)
          << shape.size() << " nodes, the first with " << shape.front();
    }
  }
}

/// Lanes of {1, 3} are not whole workers' nodes: some of a worker's own users are on the other.
TEST(Rows, BspGivesTheSameBitsWhereUsersBelongToOneWorker) {
  const auto own = [](const WorkersOfNodes& shape, std::uint64_t seed) {
    return trained(shape, {}, OptimizerKind::adam, seed, test::Users::own);
  };
  const auto expected = own({1}, 0);
  std::uint64_t seed = 1;
  for (const WorkersOfNodes& shape :
       std::vector<WorkersOfNodes>{{2}, {6}, {9}, {1, 1}, {1, 3}, {2, 1, 2}, {4, 4, 4}}) {
    EXPECT_EQ(own(shape, seed++), expected)
        << shape.size() << " nodes, the first with " << shape.front();
  }
}

/// What the second worker has for users of the other node waits for that of the first.
TEST(Rows, OfOneWorkerNeedNoMailbox) {
  FakeRowJob job{tables(), {2, 1}, {}, test::Users::own};
  job.run(kSteps);
  const RowNode& node = job.node(0);
  std::set<std::size_t> found;
  for (std::size_t worker = 0; worker < 2; ++worker) {
    const RowHeader& pushed = node.pushed(worker);
    const auto mailbox = node.mailbox(0).subspan(pushed.offset, pushed.bytes);
    for (const RowSection& section : read_sections(mailbox, node.layout().tables())) {
      found.insert(section.table);
      if (section.table != 0) continue;
      for (const std::uint64_t row : section.rows) EXPECT_FALSE(node.has(0, row)) << row;
    }
  }
  EXPECT_EQ(found, (std::set<std::size_t>{0, 1, 2}));
}

TEST(Rows, OneWorkerComputesTheSameUnderEveryPolicy) {
  const auto expected = trained({1});
  EXPECT_EQ(trained({1}, {Consistency::ssp, 2}), expected);
  EXPECT_EQ(trained({1}, {Consistency::asp, 0}), expected);
}

TEST(Rows, GoOnInTheNextPass) {
  FakeRowJob whole{tables(), {1}, {}};
  whole.run(2 * kSteps);
  FakeRowJob halves{tables(), {2, 1}, {}};
  halves.run(kSteps);
  halves.run(kSteps);
  EXPECT_EQ(halves.everything(), whole.everything());
}

/// A worker is slow, the others run ahead as far as they may.
TEST(Rows, NobodyIsFurtherAheadThanTheStalenessAllows) {
  constexpr std::uint64_t kStaleness = 2;
  for (const WorkersOfNodes& shape : std::vector<WorkersOfNodes>{{3}, {1, 1, 1}}) {
    for (const Consistency policy : {Consistency::bsp, Consistency::ssp, Consistency::asp}) {
      FakeRowJob job{tables(), shape, {policy, kStaleness}};
      std::uint64_t furthest = 0;
      std::uint64_t tries = 0;
      job.run(kSteps, [&](std::size_t roles) {
        std::uint64_t least = kSteps;
        std::uint64_t most = 0;
        for (std::size_t w = 0; w < 3; ++w) {
          least = std::min(least, job.worker(w).client().step());
          most = std::max(most, job.worker(w).client().step());
        }
        furthest = std::max(furthest, most - least);
        const std::uint64_t role = ++tries % roles;
        // The last worker has a turn only when nobody else can go on.
        return role == roles - 1 && tries % 1000 > roles ? 0 : role;
      });
      if (policy == Consistency::asp) {
        EXPECT_GT(furthest, kStaleness + 1);
      } else {
        EXPECT_EQ(furthest, policy == Consistency::bsp ? 1 : kStaleness + 1);
      }
      std::uint64_t pulls = 0;
      for (std::size_t w = 0; w < 3; ++w) {
        const auto& staleness = job.worker(w).client().traffic().staleness;
        for (std::size_t s = 0; s < staleness.size(); ++s) {
          pulls += staleness[s];
          if (policy == Consistency::ssp && s > kStaleness) {
            EXPECT_EQ(staleness[s], 0U);
          }
        }
      }
      EXPECT_EQ(pulls, policy == Consistency::bsp ? 0 : 3 * kSteps);
    }
  }
}

TEST(Rows, FrozenRowsAndTablesStayAsTheyAre) {
  auto some = tables();
  some[0].frozen_rows = {2, 17};
  some[1].frozen = true;
  for (const WorkersOfNodes& shape : std::vector<WorkersOfNodes>{{1}, {2, 1}}) {
    FakeRowJob job{some, shape, {}};
    job.run(kSteps);
    for (std::uint64_t row = 0; row < 23; ++row) {
      const auto node = static_cast<std::size_t>(job.node(0).layout().node_of(0, row));
      const bool frozen = row == 2 || row == 17;
      EXPECT_EQ(*job.node(node).record(0, row) == 0, frozen) << row;
    }
    for (std::uint64_t row = 0; row < 15; ++row) {
      const auto node = static_cast<std::size_t>(job.node(0).layout().node_of(1, row));
      EXPECT_EQ(*job.node(node).record(1, row), 0.0F);
    }
  }
}

TEST(Rows, CountsWhatIsPulledAndPushed) {
  FakeRowJob alone{tables(), {1}, {}};
  alone.run(kSteps);
  const comm::RowTraffic& one = alone.worker(0).client().traffic();
  EXPECT_EQ(one.bytes_sent + one.bytes_received + one.rows_pulled_away + one.rows_pushed_away, 0U);
  EXPECT_EQ(one.rows_pulled_here, one.rows_pushed_here + one.gradients_combined);

  FakeRowJob two{tables(), {1, 1}, {}};
  two.run(kSteps);
  std::uint64_t pulled = 0;
  std::uint64_t pushed = 0;
  for (std::size_t w = 0; w < 2; ++w) {
    const comm::RowTraffic& traffic = two.worker(w).client().traffic();
    EXPECT_GT(traffic.rows_pulled_away, 0U);
    EXPECT_GT(traffic.bytes_received, 0U);
    pulled += traffic.rows_pulled_here + traffic.rows_pulled_away + traffic.cache_hits;
    pushed += traffic.rows_pushed_here + traffic.rows_pushed_away + traffic.gradients_combined;
  }
  EXPECT_EQ(pulled, one.rows_pulled_here);
  EXPECT_EQ(pushed, pulled);
}

comm::RowTraffic traffic_of(FakeRowJob& job, std::size_t workers) {
  comm::RowTraffic sum;
  for (std::size_t w = 0; w < workers; ++w) sum += job.worker(w).client().traffic();
  return sum;
}

/// Three workers of a node ask other nodes for no more, and push no more to them, than one worker
/// with all their lanes.
TEST(Rows, CrossBetweenNodesAsOftenAsIfANodeHadOneWorker) {
  FakeRowJob one{tables(), {1, 1}, {}};
  FakeRowJob many{tables(), {3, 3}, {}};
  FakeRowJob alone{tables(), {3, 3}, {Consistency::ssp, 1}};
  for (FakeRowJob* job : {&one, &many, &alone}) job->run(kSteps);
  const comm::RowTraffic expected = traffic_of(one, 2);
  const comm::RowTraffic found = traffic_of(many, 6);
  const comm::RowTraffic each = traffic_of(alone, 6);
  EXPECT_EQ(found.rows_pulled_away, expected.rows_pulled_away);
  EXPECT_EQ(found.cache_hits, expected.cache_hits);
  EXPECT_EQ(found.rows_pushed_away, expected.rows_pushed_away);
  EXPECT_EQ(found.rows_pushed_away + found.combined_on_node, each.rows_pushed_away);
  EXPECT_GT(found.combined_on_node, 0U);
  EXPECT_LT(found.rows_pulled_away, each.rows_pulled_away);
  EXPECT_EQ(found.rows_pulled_away + found.cache_hits, each.rows_pulled_away + each.cache_hits);
}

TEST(Rows, CountPushesToEachRow) {
  for (const auto& [shape, consistency] : {std::pair{WorkersOfNodes{1}, Consistency::bsp},
                                           {WorkersOfNodes{3, 3}, Consistency::bsp},
                                           {WorkersOfNodes{2, 1}, Consistency::asp}}) {
    FakeRowJob job{tables(), shape, {consistency, 0}};
    job.run(kSteps);
    std::size_t workers = 0;
    for (const int n : shape) workers += static_cast<std::size_t>(n);
    const comm::RowTraffic traffic = traffic_of(job, workers);
    std::uint64_t pushes = 0;
    const RowLayout& layout = job.node(0).layout();
    for (std::size_t t = 0; t < layout.tables().size(); ++t) {
      for (std::uint64_t row = 0; row < layout.tables()[t].rows(); ++row) {
        const RowNode& node = job.node(static_cast<std::size_t>(layout.node_of(t, row)));
        pushes += node.take_pushes(t, row);
        EXPECT_EQ(node.take_pushes(t, row), 0U);
      }
    }
    EXPECT_EQ(pushes, traffic.rows_pushed_here + traffic.rows_pushed_away);
  }
}

/// A push says itself where it goes.
TEST(Rows, APushThatLeavesItsMailboxIsRefused) {
  FakeRowJob job{tables(), {1, 1}, {}};
  comm::LocalHub hub{4};
  const auto link = hub.link(1);
  const std::size_t room = job.node(0).mailbox(1).size();
  for (const std::uint64_t offset : {std::uint64_t{4}, room - 8, room + 8, ~std::uint64_t{7}}) {
    RowService service{*link, job.node(0), 2};
    std::vector<std::byte> body(sizeof(RowHeader) + 16);  // a section without rows
    const RowHeader header{.step = 0, .bytes = 16, .offset = offset};
    std::memcpy(body.data(), &header, sizeof header);
    EXPECT_THROW(service.receive({3, comm::Tag::push_rows, std::move(body)}), ProtocolError)
        << offset;
  }
}

/// A node of 44 rows that another one's worker wants all of.
class AskedNode {
 public:
  static constexpr std::size_t kWidth = 64;
  static constexpr std::uint64_t kRows = 44;

  AskedNode()
      : layout_{{{"x", kWidth, {0, kRows, kRows}, {}, false, {}}}, {{0, 1}, {1, 2}}},
        job_{{Consistency::asp, 0}, 2, 1, {1}, {{kRows}}, 4 * kWidth * sizeof(float)} {
    for (std::uint64_t row = 0; row < kRows; ++row) {
      std::fill_n(node_.record(0, row), kWidth, static_cast<float>(row));
    }
  }

  comm::LocalHub hub{3};
  std::unique_ptr<comm::Transport> server = hub.link(0);
  std::unique_ptr<comm::Transport> worker = hub.link(2);

  RowService service() { return {*server, node_, 2}; }
  RowClient client() { return {*worker, other_, {0, {0, 1}}}; }
  static std::vector<TouchedTables> all_rows() {
    TouchedRows all{std::vector<std::uint64_t>(kRows), {}, {}};
    std::iota(all.rows.begin(), all.rows.end(), std::uint64_t{0});
    return {{0, {std::move(all)}}};
  }

 private:
  RowLayout layout_;
  RowJob job_;
  AlignedBuffer<std::byte> memory_{RowNode::bytes_needed(layout_, job_, 0)};
  AlignedBuffer<std::byte> other_memory_{RowNode::bytes_needed(layout_, job_, 1)};
  RowNode node_{memory_.span(), layout_, job_, 0};
  RowNode other_{other_memory_.span(), layout_, job_, 1};
};

/// Four rows are an answer of a message's size; so many are asked for with 96 bytes, so ten times
/// in a message.
TEST(Rows, ManyAnswersAreAskedForInOneMessage) {
  AskedNode node;
  RowService service = node.service();
  RowClient client = node.client();
  auto parts = AskedNode::all_rows();
  client.request(0, parts);
  std::size_t questions = 0;
  while (auto envelope = node.server->poll()) {
    ++questions;
    service.receive(std::move(*envelope));
  }
  EXPECT_EQ(questions, 2U);
  ASSERT_TRUE(client.try_pull(parts));
  const std::vector<float>& values = parts[0].tables[0].values;
  ASSERT_EQ(values.size(), AskedNode::kRows * AskedNode::kWidth);
  for (std::size_t n = 0; n < values.size(); ++n) {
    const std::size_t row = n / AskedNode::kWidth;
    ASSERT_EQ(values[n], static_cast<float>(row)) << n;
  }
  EXPECT_EQ(client.traffic().bytes_received,
            11 * sizeof(RowHeader) + values.size() * sizeof(float));
}

TEST(Rows, AQuestionThatIsCutOffIsRefused) {
  AskedNode node;
  const auto parts = AskedNode::all_rows();
  const auto asked = [&](auto&& damage) {
    RowClient client = node.client();
    client.request(0, parts);
    comm::Envelope envelope = node.server->poll().value();
    while (node.server->poll()) {
    }
    damage(envelope.body);
    RowService service = node.service();
    service.receive(std::move(envelope));
  };
  constexpr std::size_t kSecond = 96;
  asked([](auto& body) { body.resize(kSecond); });
  EXPECT_THROW(asked([](auto& body) { body.resize(kSecond + 8); }), ProtocolError);
  EXPECT_THROW(asked([](auto& body) { body.resize(2 * kSecond - 8); }), ProtocolError);
  EXPECT_THROW(asked([](auto& body) { body.at(kSecond) = std::byte{1}; }), ProtocolError)
      << "a question of another step";
  constexpr std::size_t kBytes = offsetof(RowHeader, bytes);
  EXPECT_THROW(asked([](auto& body) { body.at(kBytes + 7) = std::byte{255}; }), ProtocolError);
}

TEST(Rows, AGradientThatIsNotFiniteIsNamed) {
  const RowLayout layout{tables(), {{0, 6}}};
  TouchedTables part{1, std::vector<TouchedRows>(3)};
  part.tables[1] = {{4, 9}, std::vector<float>(6), {0, 0, 0, 0, 1e9F, 0}};
  try {
    check_gradients(layout, part);
    FAIL();
  } catch (const DataError& error) {
    EXPECT_NE(std::string{error.what()}.find("row 9 of the table items is 1000000000"),
              std::string::npos)
        << error.what();
  }
  part.tables[1].gradients[4] = 5;
  check_gradients(layout, part);
}

/// A node of one worker, with one table of one number.
class OneNumber {
 public:
  OneNumber(const OptimizerOptions& optimizer, Consistency consistency)
      : layout_{{{"x", 1, {0, 1}, optimizer, false, {}}}, {{0, 1}}},
        job_{{consistency, 0}, 1, 1, {0}, {{1}}} {}

  void push(double gradient, std::uint64_t step) {
    node_.apply(0, 0, std::span{&gradient, 1}, {1, 1, step});
  }
  float& number() { return *node_.record(0, 0); }

 private:
  RowLayout layout_;
  RowJob job_;
  AlignedBuffer<std::byte> memory_{RowNode::bytes_needed(layout_, job_, 0)};
  RowNode node_{memory_.span(), layout_, job_, 0};
};

TEST(Rows, GradientsOfAStepAddUpToOneStepOfTheOptimizer) {
  OptimizerOptions optimizer;
  optimizer.kind = OptimizerKind::momentum;
  optimizer.learning_rate = 1;
  optimizer.momentum = 0.5F;
  optimizer.l2 = 0.25F;
  OneNumber together{optimizer, Consistency::bsp};
  OneNumber apart{optimizer, Consistency::asp};
  together.number() = apart.number() = 8;
  together.push(2, 0);
  apart.push(4, 0);
  apart.push(-2, 0);
  EXPECT_EQ(apart.number(), together.number());
  together.push(4, 1);
  apart.push(1, 1);
  apart.push(3, 1);
  EXPECT_EQ(apart.number(), together.number());
  EXPECT_EQ(apart.number(), -3);  // 8 - 4, then 4 - 4 / 2 - 5
  apart.push(2, 0);               // late: no decay by l2, but of the momentum of 7
  EXPECT_EQ(apart.number(), -3 - (3.5F + 2));
}

/// Threads change and read the same rows; every reader must find a row as one push has left it.
TEST(Rows, AreNeverReadHalfChanged) {
  OptimizerOptions plain;
  plain.learning_rate = 1;
  const RowLayout layout{{{"users", 64, {0, 2}, plain, false, {}}}, {{0, 1}}};
  RowJob job;
  job.policy.consistency = Consistency::asp;
  job.blocks = 1;
  job.node_of_worker = {0};
  job.most_rows = {{2}};
  const AlignedBuffer<std::byte> memory{RowNode::bytes_needed(layout, job, 0)};
  const RowNode node{memory.span(), layout, job, 0};
  std::vector<std::jthread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&node] {
      const std::vector<double> gradient(64, -1.0);
      std::vector<float> row(64);
      for (int n = 0; n < 20000; ++n) {
        node.apply(0, static_cast<std::uint64_t>(n % 2), gradient, {1, 1});
        node.read(0, static_cast<std::uint64_t>(n % 2), row.data());
        if (row.front() != row.back()) ADD_FAILURE() << row.front() << " " << row.back();
      }
    });
  }
  threads.clear();
  EXPECT_EQ(*node.record(0, 0) + *node.record(0, 1), 60000.0F);
}

}  // namespace
}  // namespace factorps::ps

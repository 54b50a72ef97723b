#include "worker/worker.hpp"

#include <algorithm>
#include <limits>

#include <gtest/gtest.h>

#include "comm/local_transport.hpp"
#include "common/aligned_buffer.hpp"
#include "common/error.hpp"
#include "model/initial.hpp"
#include "tests/support/synthetic_dataset.hpp"
#include "tests/support/temporary_directory.hpp"
#include "worker/cell_errors.hpp"
#include "worker/cell_work.hpp"

namespace factorps::worker {
namespace {

constexpr std::size_t kDim = 8;

SgdStep example_step() {
  SgdStep step;
  step.mu = 3;
  step.rate = 0.05F;
  step.rate_bias = 0.04F;
  step.l2_user = step.l2_item = step.l2_bias = 0.02F;
  step.limit = std::numeric_limits<float>::max();
  return step;
}

/// Tables with some factors in them.
class Node {
 public:
  explicit Node(const Dataset& dataset)
      : memory_{ps::Tables::bytes_needed(dataset.grid(), kDim, ps::whole_grid(dataset.grid()))},
        tables_{memory_.span(), dataset.grid(), kDim, ps::whole_grid(dataset.grid())} {
    const Grid& grid = dataset.grid();
    for (std::uint32_t s = 0; s < grid.strips(); ++s) fill(tables_.strip(StripId{s}), s);
    for (std::uint32_t b = 0; b < grid.blocks(); ++b) fill(tables_.block(BlockId{b}), 100 + b);
  }
  const ps::Tables& tables() const { return tables_; }
  bool same_rows(const Node& other) const {
    const Grid& grid = tables_.grid();
    for (std::uint32_t s = 0; s < grid.strips(); ++s) {
      if (!same(tables_.strip(StripId{s}), other.tables_.strip(StripId{s}))) return false;
    }
    for (std::uint32_t b = 0; b < grid.blocks(); ++b) {
      if (!same(tables_.block(BlockId{b}), other.tables_.block(BlockId{b}))) return false;
    }
    return true;
  }

 private:
  static void fill(const RowsView& rows, std::uint64_t seed) {
    for (std::size_t r = 0; r < rows.rows; ++r) {
      initial_row({rows.factors + r * rows.stride, kDim}, r, seed, Purpose::init_user, 0.3F);
    }
  }
  static bool same(const RowsView& a, const RowsView& b) {
    return std::equal(a.factors, a.factors + a.rows * a.stride, b.factors) &&
           std::equal(a.states, a.states + a.rows, b.states, [](RowState x, RowState y) {
             return x.bias == y.bias && x.accumulator == y.accumulator;
           });
  }

  AlignedBuffer<std::byte> memory_;
  ps::Tables tables_;
};

class WorkerOf : public testing::Test {
 protected:
  std::unique_ptr<Worker> worker(int role, std::vector<std::uint32_t> strips) {
    std::vector<StripId> ids(strips.begin(), strips.end());
    links_.push_back(hub_.link(role));
    return std::make_unique<Worker>(
        *links_.back(), std::make_unique<CellWork>(node_.tables(), order_, dataset_, std::move(ids),
                                                   CellOptions{example_step(), best_kernels()}));
  }
  void start(comm::StartPass pass) {
    for (const int role : {1, 2}) scheduler_->send(role, comm::Tag::start_pass, comm::encode(pass));
  }
  /// The next message that is not a sign of life.
  std::optional<comm::Envelope> reply() {
    auto envelope = scheduler_->poll();
    while (envelope && envelope->tag == comm::Tag::progress) envelope = scheduler_->poll();
    return envelope;
  }

  test::TemporaryDirectory directory_;
  Dataset dataset_{test::write_synthetic(directory_ / "data.h5")};
  CellOrder order_{dataset_.grid().strips(), dataset_.grid().blocks(), 5};
  Node node_{dataset_};
  comm::LocalHub hub_{3};
  std::unique_ptr<comm::Transport> scheduler_ = hub_.link(0);
  std::vector<std::unique_ptr<comm::Transport>> links_;
};

TEST_F(WorkerOf, TrainsEveryCellInOrderAndReports) {
  auto only = worker(1, {0, 1, 2, 3});
  EXPECT_FALSE(only->step());
  start({0, comm::PassKind::train, 0, 0.5F});
  while (only->step()) {
  }
  const auto done = comm::decode<comm::WorkerDone>(reply()->body);
  EXPECT_EQ(done.cells, dataset_.grid().cells());
  EXPECT_EQ(done.interactions, dataset_.interactions(Part::train));
  EXPECT_FALSE(reply());

  const Node expected{dataset_};
  SgdStep step = example_step();
  step.rate *= 0.5F;
  step.rate_bias *= 0.5F;
  for (std::uint32_t k = 0; k < order_.steps(); ++k) {
    for (std::uint32_t s = 0; s < dataset_.grid().strips(); ++s) {
      const auto block = order_.block_at(StripId{s}, k);
      if (!block) continue;
      const CellView cell = dataset_.cell(Part::train, StripId{s}, *block);
      const double loss = best_kernels().train(cell, expected.tables().strip(StripId{s}),
                                               expected.tables().block(*block), step);
      EXPECT_EQ(node_.tables().sums(StripId{s}, *block)[0], static_cast<double>(cell.size()));
      EXPECT_EQ(node_.tables().sums(StripId{s}, *block)[1], loss);
    }
  }
  EXPECT_TRUE(node_.same_rows(expected));
}

TEST_F(WorkerOf, EvaluatesWithoutChangingRows) {
  auto only = worker(1, {0, 1, 2, 3});
  start({0, comm::PassKind::evaluate, static_cast<std::uint8_t>(Part::test), 1});
  while (only->step()) {
  }
  EXPECT_EQ(comm::decode<comm::WorkerDone>(reply()->body).interactions,
            dataset_.interactions(Part::test));
  EXPECT_TRUE(node_.same_rows(Node{dataset_}));
  for (std::uint32_t s = 0; s < dataset_.grid().strips(); ++s) {
    const CellView cell = dataset_.cell(Part::test, StripId{s}, BlockId{1});
    std::vector<float> predictions(cell.size());
    best_kernels().predict(cell, node_.tables().strip(StripId{s}), node_.tables().block(BlockId{1}),
                           example_step().mu, predictions.data());
    EXPECT_EQ(node_.tables().sums(StripId{s}, BlockId{1}),
              to_cell_sums(errors_of_cell(dataset_, cell, StripId{s}, BlockId{1}, predictions)));
  }
}

TEST_F(WorkerOf, SharesStripsOfANodeWithItsNeighbour) {
  auto one = worker(1, {0, 1, 2, 3});
  auto two = worker(2, {0, 1, 2, 3});
  start({0, comm::PassKind::train, 0, 1});
  for (bool worked = true; worked;) {
    worked = one->step();
    worked = two->step() || worked;
  }
  std::uint64_t cells = 0;
  for (int k = 0; k < 2; ++k) {
    const auto done = comm::decode<comm::WorkerDone>(reply()->body);
    EXPECT_GT(done.cells, 0U);
    cells += done.cells;
  }
  EXPECT_EQ(cells, dataset_.grid().cells());
}

TEST_F(WorkerOf, StopsWhenTold) {
  auto only = worker(1, {0});
  scheduler_->send(1, comm::Tag::shutdown, {});
  EXPECT_TRUE(only->step());
  EXPECT_TRUE(only->stopped());
}

TEST_F(WorkerOf, RefusesMessagesThatAreNotForIt) {
  auto only = worker(1, {0});
  scheduler_->send(1, comm::Tag::command, {});
  EXPECT_THROW(only->step(), ProtocolError);
}

}  // namespace
}  // namespace factorps::worker

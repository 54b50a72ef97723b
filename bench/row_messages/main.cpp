/// Rows that a worker pulls from and pushes to another node, against MPI_Send of the same bytes.
/// Usage: scripts/mpirun -n 2 factorps_row_messages [ROWS [ROUNDS]]
///
/// Rank 0 is the server of a node with a table of ROWS rows, dim 64, plain SGD; rank 1 the only
/// worker of another node. They alternate between steps of row mode and plain MPI_Send and MPI_Recv
/// of messages of the same sizes: what is asked for, the rows, the gradients. Rows are random,
/// distinct and ascending. Prints medians and bests over the rounds of wall seconds per row; a
/// round is some steps, short, for other programs to leave some of them alone.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <vector>

#include <mpi.h>

#include "comm/mpi_transport.hpp"
#include "comm/shared_memory.hpp"
#include "common/random.hpp"
#include "common/timer.hpp"
#include "common/waiter.hpp"
#include "ps/rows/row_client.hpp"
#include "ps/rows/row_service.hpp"

namespace factorps {
namespace {

constexpr std::size_t kWidth = 64;
constexpr std::size_t kBytes = kWidth * sizeof(float);
constexpr std::uint64_t kBatch = 1024;  // rows of a step
constexpr std::uint64_t kSteps = 8;     // of a round
constexpr std::uint64_t kAhead = 2;     // steps that are asked for
constexpr double kTimeout = 60;

/// Both ranks make one, each with the memory of its node.
class Node {
 public:
  Node(const comm::Environment& environment, std::uint64_t rows, ps::Consistency consistency,
       int rank)
      : layout_{{table(rows)}, {{0, 1}, {1, 2}}},
        job_{{consistency, 1}, 2, 1, {1}, {{kBatch}}},
        memory_{environment, rank, 1, ps::RowNode::bytes_needed(layout_, job_, rank), 0},
        node_{memory_.bytes(), layout_, job_, rank} {
    std::ranges::fill(memory_.bytes(), std::byte{0});  // page faults before any clock runs
  }

  [[nodiscard]] const ps::RowNode& node() const { return node_; }

 private:
  static ps::RowTable table(std::uint64_t rows) {
    return {"rows", kWidth, {0, rows, rows + 1}, OptimizerOptions{}, false, {}};
  }
  ps::RowLayout layout_;
  ps::RowJob job_;
  comm::SharedMemory memory_;
  ps::RowNode node_;
};

void serve(const ps::RowNode& node, comm::Transport& link, ps::RowService& service,
           std::uint64_t end) {
  Waiter waiter{kTimeout, kShortNap, kManyYields};
  while (node.clock(0).load(std::memory_order_acquire) < end) {
    if (auto envelope = link.poll()) {
      service.receive(std::move(*envelope));
      waiter.progress();
    } else if (service.step()) {
      waiter.progress();
    } else {
      waiter.pause("the worker");
    }
  }
}

/// The mini-batches of a round.
class Work {
 public:
  explicit Work(std::uint64_t rows) : rows_{rows} {}

  void draw(std::uint64_t round) {
    const RandomStream random{1, Purpose::generate};
    rows_of_round_ = 0;
    batches_.resize(kSteps);
    for (std::uint64_t step = 0; step < kSteps; ++step) {
      batches_[step].resize(1);
      batches_[step][0].tables.resize(1);
      ps::TouchedRows& touched = batches_[step][0].tables[0];
      touched.rows.clear();
      for (std::uint32_t n = 0; n < kBatch; ++n) {
        touched.rows.push_back(random.below(rows_, round * kSteps + step, n));
      }
      std::ranges::sort(touched.rows);
      touched.rows.erase(std::unique(touched.rows.begin(), touched.rows.end()), touched.rows.end());
      touched.gradients.assign(touched.rows.size() * kWidth, 0.01F);
      touched.values.resize(touched.gradients.size());
      rows_of_round_ += touched.rows.size();
    }
  }
  [[nodiscard]] std::uint64_t rows() const { return rows_of_round_; }

  void run(ps::RowClient& client) {
    Waiter waiter{kTimeout, kShortNap, kManyYields};
    const std::uint64_t first = client.step();
    for (std::uint64_t step = 0; step < kAhead; ++step)
      client.request(first + step, batches_[step]);
    for (std::uint64_t step = 0; step < kSteps; ++step) {
      while (!client.try_pull(batches_[step])) waiter.pause("rows");
      waiter.progress();
      client.push(batches_[step], kBatch);
      while (!client.try_finish()) waiter.pause("the step");
      waiter.progress();
      if (step + kAhead < kSteps) client.request(first + step + kAhead, batches_[step + kAhead]);
    }
  }

 private:
  std::uint64_t rows_;
  std::uint64_t rows_of_round_ = 0;
  std::vector<std::vector<ps::TouchedTables>> batches_;
};

/// The same messages, from buffers that are there.
class Plain {
 public:
  void run(int rank) {
    for (std::uint64_t step = 0; step < kSteps; ++step) {
      pass(rank, 1, keys_);
      pass(rank, 0, rows_);
      pass(rank, 1, gradients_);
    }
  }

 private:
  static void pass(int rank, int from, std::vector<std::byte>& bytes) {
    const auto size = static_cast<int>(bytes.size());
    if (rank == from) {
      MPI_Send(bytes.data(), size, MPI_BYTE, 1 - rank, 0, MPI_COMM_WORLD);
    } else {
      MPI_Recv(bytes.data(), size, MPI_BYTE, 1 - rank, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    }
  }
  std::vector<std::byte> keys_{std::vector<std::byte>(kBatch * sizeof(std::uint64_t))};
  std::vector<std::byte> rows_{std::vector<std::byte>(kBatch * kBytes)};
  std::vector<std::byte> gradients_{
      std::vector<std::byte>(kBatch * (sizeof(std::uint64_t) + kBytes))};
};

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

template <class Body>
double timed(const comm::Environment& environment, Body&& body) {
  environment.barrier();
  const Stopwatch watch;
  body();
  return watch.seconds();
}

void run(const comm::Environment& environment, std::uint64_t rows, std::uint64_t rounds,
         const char* name, ps::Consistency consistency) {
  const int rank = environment.rank();
  const Node mine{environment, rows, consistency, rank};
  comm::MpiHub hub{environment, {0, 1}};
  const auto link = hub.link(rank);
  ps::RowService service{*link, mine.node(), 1};
  ps::RowClient client{*link, mine.node(), {0, {0, 0}}};
  Work work{rows};
  Plain plain;
  std::vector<double> sends;
  std::vector<double> steps;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    work.draw(round);
    const auto each = static_cast<double>(work.rows());
    sends.push_back(timed(environment, [&] { plain.run(rank); }) / each);
    steps.push_back(timed(environment,
                          [&] {
                            rank == 0 ? serve(mine.node(), *link, service, (round + 1) * kSteps)
                                      : work.run(client);
                          }) /
                    each);
    Waiter waiter{kTimeout};
    while (!hub.drain()) waiter.pause("the last messages to be taken");
  }
  if (rank == 0) return;
  const double best_send = *std::ranges::min_element(sends);
  const double best_step = *std::ranges::min_element(steps);
  std::printf("%-6s %7.1f %7.1f  %.2f      %7.1f %7.1f  %.2f\n", name, 1e9 * median(sends),
              1e9 * median(steps), median(sends) / median(steps), 1e9 * best_send, 1e9 * best_step,
              best_send / best_step);
}

}  // namespace
}  // namespace factorps

int main(int argc, char** argv) {
  const auto number = [&](int n, std::uint64_t otherwise) {
    return argc > n ? std::strtoull(argv[n], nullptr, 10) : otherwise;
  };
  const factorps::comm::Environment environment{true};
  if (environment.size() != 2) {
    std::fputs("factorps_row_messages: wants two ranks\n", stderr);
    return 2;
  }
  if (environment.rank() == 1) {
    std::puts("ns per row pulled and pushed: medians send, rows, send / rows; bests the same");
  }
  const auto rows = std::max<std::uint64_t>(number(1, 400'000), 10'000);
  for (const auto& [name, policy] : {std::pair{"bsp", factorps::ps::Consistency::bsp},
                                     std::pair{"ssp", factorps::ps::Consistency::ssp},
                                     std::pair{"asp", factorps::ps::Consistency::asp}}) {
    factorps::run(environment, rows, number(2, 300), name, policy);
  }
}

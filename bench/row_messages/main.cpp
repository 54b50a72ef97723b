/// Rows that a worker pulls from and pushes to another node, against MPI_Send of the same bytes.
/// Usage: scripts/mpirun -n 2 factorps_row_messages [ROWS [ROUNDS]]
///
/// Rank 0 is the server of a node with a table of ROWS rows, dim 64, plain SGD; rank 1 the only
/// worker of another node. In turn they do
///   send  MPI_Send and MPI_Recv of what is asked for, the rows, the gradients: bytes of buffers;
///   bare  the least that pulls and pushes of such rows are: copied from where they lie in the
///         table and received where they are wanted, gradients sent from where they are and added
///         to the rows; no more than one table, no check, lock, optimizer, or anything that waits;
///   rows  steps of row mode.
/// Rows are random, distinct and ascending. Prints medians and bests over the rounds of wall
/// seconds per row; a round is some steps, short, for other programs to leave some of them alone.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include <mpi.h>

#include "bench/row_messages/bare.hpp"
#include "bench/row_messages/work.hpp"
#include "comm/mpi_transport.hpp"
#include "comm/shared_memory.hpp"
#include "common/timer.hpp"
#include "common/waiter.hpp"
#include "ps/rows/row_service.hpp"

namespace factorps::bench {
namespace {

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

void print(const char* name, const char* what, const std::array<double, 3>& seconds) {
  const auto [send, bare, rows] = seconds;
  std::printf("%-4s %-8s %7.1f %7.1f %7.1f     %.2f %12.2f\n", name, what, 1e9 * send, 1e9 * bare,
              1e9 * rows, send / rows, bare / rows);
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
  Bare bare{mine.node(), consistency != ps::Consistency::bsp};
  std::array<std::vector<double>, 3> seconds;  // of a row: send, bare, rows
  for (std::uint64_t round = 0; round < rounds; ++round) {
    work.draw(round);
    const auto take = [&](std::size_t which, auto&& body) {
      seconds[which].push_back(timed(environment, body) / static_cast<double>(work.rows()));
    };
    take(0, [&] { plain.run(rank); });
    take(1, [&] { bare.run(rank, work); });
    take(2, [&] {
      rank == 0 ? serve(mine.node(), *link, service, (round + 1) * kSteps) : work.run(client);
    });
    Waiter waiter{kTimeout};
    while (!hub.drain()) waiter.pause("the last messages to be taken");
  }
  if (rank == 0) return;
  print(name, "medians", {median(seconds[0]), median(seconds[1]), median(seconds[2])});
  const auto best = [&](std::size_t which) { return *std::ranges::min_element(seconds[which]); };
  print(name, "bests", {best(0), best(1), best(2)});
}

}  // namespace
}  // namespace factorps::bench

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
    std::puts("ns per row pulled and pushed: send    bare    rows  send / rows  bare / rows");
  }
  const auto rows = std::max<std::uint64_t>(number(1, 400'000), 10'000);
  for (const auto& [name, policy] : {std::pair{"bsp", factorps::ps::Consistency::bsp},
                                     std::pair{"ssp", factorps::ps::Consistency::ssp},
                                     std::pair{"asp", factorps::ps::Consistency::asp}}) {
    factorps::bench::run(environment, rows, number(2, 300), name, policy);
  }
}

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
#include <cstring>
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

/// The mini-batches of a round. As in training, few of them have memory for values and gradients,
/// which those that follow use again.
class Work {
 public:
  explicit Work(std::uint64_t rows) : rows_{rows} {
    for (auto& batch : batches_) {
      batch.resize(1);
      batch[0].tables.resize(1);
      batch[0].tables[0].gradients.assign(kBatch * kWidth, 0.01F);
    }
  }

  void draw(std::uint64_t round) {
    const RandomStream random{1, Purpose::generate};
    rows_of_round_ = 0;
    for (std::uint64_t step = 0; step < kSteps; ++step) {
      std::vector<std::uint64_t>& rows = touched_[step];
      rows.clear();
      for (std::uint32_t n = 0; n < kBatch; ++n) {
        rows.push_back(random.below(rows_, round * kSteps + step, n));
      }
      std::ranges::sort(rows);
      rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
      rows_of_round_ += rows.size();
    }
  }
  [[nodiscard]] std::uint64_t rows() const { return rows_of_round_; }
  [[nodiscard]] const std::vector<std::uint64_t>& rows(std::uint64_t step) const {
    return touched_[step];
  }

  void run(ps::RowClient& client) {
    Waiter waiter{kTimeout, kShortNap, kManyYields};
    const std::uint64_t first = client.step();
    for (std::uint64_t step = 0; step < kAhead; ++step) request(client, first, step);
    for (std::uint64_t step = 0; step < kSteps; ++step) {
      auto& batch = batches_[step % kAhead];
      while (!client.try_pull(batch)) waiter.pause("rows");
      waiter.progress();
      client.push(batch, kBatch);
      while (!client.try_finish()) waiter.pause("the step");
      waiter.progress();
      if (step + kAhead < kSteps) request(client, first, step + kAhead);
    }
  }

 private:
  void request(ps::RowClient& client, std::uint64_t first, std::uint64_t step) {
    auto& batch = batches_[step % kAhead];
    ps::TouchedRows& touched = batch[0].tables[0];
    touched.rows = touched_[step];
    touched.gradients.resize(touched.rows.size() * kWidth, 0.01F);
    client.request(first + step, batch);
  }

  std::uint64_t rows_;
  std::uint64_t rows_of_round_ = 0;
  std::array<std::vector<std::uint64_t>, kSteps> touched_;
  std::array<std::vector<ps::TouchedTables>, kAhead> batches_;
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

/// With bsp a step's rows are read when the gradients of the step before are added, else before.
class Bare {
 public:
  Bare(const ps::RowNode& node, bool reads_before) : node_{node}, reads_before_{reads_before} {}

  void run(int rank, const Work& work) { rank == 0 ? serve(work) : train(work); }

 private:
  using Requests = std::vector<MPI_Request>;
  static constexpr std::size_t kPiece = 240;  // rows of a message of 60 KiB

  /// Calls one(first row, bytes, request) for each message of a step's rows.
  template <class One>
  static void in_pieces(const Work& work, std::uint64_t step, Requests& requests, One&& one) {
    const std::size_t rows = work.rows(step).size();
    requests.assign((rows + kPiece - 1) / kPiece, MPI_REQUEST_NULL);
    for (std::size_t n = 0; n < requests.size(); ++n) {
      const std::size_t count = std::min(kPiece, rows - n * kPiece);
      one(n * kPiece, static_cast<int>(count * kBytes), requests[n]);
    }
  }
  static void wait(Requests& requests) {
    MPI_Waitall(static_cast<int>(requests.size()), requests.data(), MPI_STATUSES_IGNORE);
  }

  void ask(const Work& work, std::uint64_t step) {
    const auto& rows = work.rows(step);
    MPI_Isend(rows.data(), static_cast<int>(rows.size()), MPI_UINT64_T, 0, 1, MPI_COMM_WORLD,
              &keys_sent_[step % 2]);
    in_pieces(work, step, pulls_[step % 2], [&](std::size_t row, int bytes, MPI_Request& request) {
      MPI_Irecv(&rows_[step % 2][row * kWidth], bytes, MPI_BYTE, 0, 2, MPI_COMM_WORLD, &request);
    });
  }

  void train(const Work& work) {
    ask(work, 0);
    for (std::uint64_t step = 0; step < kSteps; ++step) {
      if (step + 1 < kSteps) ask(work, step + 1);
      wait(pulls_[step % 2]);
      in_pieces(work, step, pushes_, [&](std::size_t row, int bytes, MPI_Request& request) {
        MPI_Isend(&gradients_[row * kWidth], bytes, MPI_BYTE, 0, 3, MPI_COMM_WORLD, &request);
      });
      wait(pushes_);
      MPI_Wait(&keys_sent_[step % 2], MPI_STATUS_IGNORE);
    }
  }

  void answer(const Work& work, std::uint64_t step) {
    auto& keys = keys_[step % 2];
    keys.resize(work.rows(step).size());
    MPI_Recv(keys.data(), static_cast<int>(keys.size()), MPI_UINT64_T, 1, 1, MPI_COMM_WORLD,
             MPI_STATUS_IGNORE);
    wait(pulls_[step % 2]);  // the rows of the step before the last have left
    in_pieces(work, step, pulls_[step % 2], [&](std::size_t row, int bytes, MPI_Request& request) {
      float* to = &rows_[step % 2][row * kWidth];
      const std::size_t count = static_cast<std::size_t>(bytes) / kBytes;
      for (std::size_t n = 0; n < count; ++n) {
        std::memcpy(to + n * kWidth, node_.record(0, keys[row + n]), kBytes);
      }
      MPI_Isend(to, bytes, MPI_BYTE, 1, 2, MPI_COMM_WORLD, &request);
    });
  }

  void add(const std::vector<std::uint64_t>& keys, std::size_t begin, std::size_t end) const {
    for (std::size_t n = begin; n < end; ++n) {
      if (n + ps::RowNode::kAhead < keys.size()) {
        node_.fetch(0, keys[n + ps::RowNode::kAhead], kBytes);
      }
      float* record = node_.record(0, keys[n]);
      const float* gradient = &gradients_[n * kWidth];
      for (std::size_t d = 0; d < kWidth; ++d) record[d] -= 1e-3F * gradient[d];
    }
  }

  void serve(const Work& work) {
    answer(work, 0);
    for (std::uint64_t step = 0; step < kSteps; ++step) {
      in_pieces(work, step, pushes_, [&](std::size_t row, int bytes, MPI_Request& request) {
        MPI_Irecv(&gradients_[row * kWidth], bytes, MPI_BYTE, 1, 3, MPI_COMM_WORLD, &request);
      });
      const bool more = step + 1 < kSteps;
      if (more && reads_before_) answer(work, step + 1);
      const auto& keys = keys_[step % 2];
      for (std::size_t n = 0; n < pushes_.size(); ++n) {
        MPI_Wait(&pushes_[n], MPI_STATUS_IGNORE);
        add(keys, n * kPiece, std::min(keys.size(), (n + 1) * kPiece));
      }
      if (more && !reads_before_) answer(work, step + 1);
    }
    for (Requests& last : pulls_) wait(last);
  }

  const ps::RowNode& node_;
  bool reads_before_;
  std::array<std::vector<float>, 2> rows_{std::vector<float>(kBatch * kWidth),
                                          std::vector<float>(kBatch* kWidth)};
  std::vector<float> gradients_{std::vector<float>(kBatch * kWidth)};
  std::array<std::vector<std::uint64_t>, 2> keys_;
  std::array<MPI_Request, 2> keys_sent_{MPI_REQUEST_NULL, MPI_REQUEST_NULL};
  std::array<Requests, 2> pulls_;
  Requests pushes_;
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
    std::puts("ns per row pulled and pushed: send    bare    rows  send / rows  bare / rows");
  }
  const auto rows = std::max<std::uint64_t>(number(1, 400'000), 10'000);
  for (const auto& [name, policy] : {std::pair{"bsp", factorps::ps::Consistency::bsp},
                                     std::pair{"ssp", factorps::ps::Consistency::ssp},
                                     std::pair{"asp", factorps::ps::Consistency::asp}}) {
    factorps::run(environment, rows, number(2, 300), name, policy);
  }
}

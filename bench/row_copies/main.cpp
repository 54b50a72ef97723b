/// Rows that workers pull from and push to their own node, against a plain copy of the same bytes.
/// Usage: factorps_row_copies [ROWS [ROUNDS]]
///
/// One thread, dim 64, in turn: copy, pull, push, for each policy and number of workers; workers
/// take turns. Memory has huge pages, as that of a process that is alone on its node, or small
/// ones, as windows that ranks share have. Pulled and pushed rows are random, distinct and
/// ascending, as mini-batches have them; the gradients have just been written. A pull or a push of
/// a row counts as one copy of its values (256 bytes), and the copy goes from one end of a buffer
/// of the table's size to the same place of another. Prints medians of CPU seconds per row.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "comm/local_transport.hpp"
#include "comm/shared_memory.hpp"
#include "common/aligned_buffer.hpp"
#include "common/random.hpp"
#include "common/timer.hpp"
#include "ps/rows/distinct_rows.hpp"
#include "ps/rows/row_client.hpp"

namespace factorps {
namespace {

constexpr std::size_t kWidth = 64;
constexpr std::size_t kBytes = kWidth * sizeof(float);
constexpr std::uint64_t kBatch = 4096;  // rows of a worker

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

struct Case {
  const char* name;
  ps::Consistency consistency;
  std::size_t workers;
  OptimizerKind optimizer;
};

/// Memory with pages of one size.
class Memory {
 public:
  Memory(const comm::Environment* alone, std::size_t bytes) {
    if (alone != nullptr) huge_.emplace(*alone, 0, 1, bytes, bytes);
    small_ = AlignedBuffer<std::byte>{alone == nullptr ? bytes : 0};
    std::ranges::fill(this->bytes(), std::byte{0});  // page faults before any clock runs
  }
  [[nodiscard]] std::span<std::byte> bytes() const {
    return huge_ ? huge_->bytes() : small_.span();
  }

 private:
  std::optional<comm::SharedMemory> huge_;
  AlignedBuffer<std::byte> small_;
};

/// CPU seconds per row.
struct Times {
  std::vector<double> copies;
  std::vector<double> pulls;
  std::vector<double> pushes;
};

/// A worker with the memory of its mini-batch.
struct Worker {
  Worker(std::unique_ptr<comm::Transport> mine, const ps::RowNode& node, std::size_t number)
      : link{std::move(mine)}, client{*link, node, {number, {0}}} {
    parts[0].tables.resize(1);
  }

  std::unique_ptr<comm::Transport> link;
  ps::RowClient client;
  std::vector<ps::TouchedTables> parts{1};
};

/// A job of one node.
class Job {
 public:
  Job(const comm::Environment* alone, std::uint64_t rows, const Case& which)
      : layout_{{table(rows, which.optimizer)}, {{0, 1}}},
        job_{{which.consistency, 0},
             1,
             1,
             std::vector<int>(which.workers, 0),
             std::vector(which.workers, std::vector<std::uint64_t>{kBatch})},
        memory_{alone, ps::RowNode::bytes_needed(layout_, job_, 0)},
        node_{memory_.bytes(), layout_, job_, 0},
        hub_{static_cast<int>(which.workers)} {
    for (std::size_t w = 0; w < which.workers; ++w) {
      workers_.emplace_back(hub_.link(static_cast<int>(w)), node_, w);
    }
  }

  void step(std::uint64_t round, Times& times) {
    std::uint64_t count = 0;
    for (std::size_t w = 0; w < workers_.size(); ++w) {
      count += draw(workers_[w], round * workers_.size() + w);
    }
    const double pulled = timed([](Worker& worker) {
      if (!worker.client.try_pull(worker.parts)) std::abort();
    });
    for (Worker& worker : workers_) {
      std::ranges::fill(worker.parts[0].tables[0].gradients, 0.01F);
    }
    double pushed = timed(
        [this](Worker& worker) { worker.client.push(worker.parts, kBatch * workers_.size()); });
    // The last one to apply its share sees that the step is done.
    pushed += timed([](Worker& worker) { static_cast<void>(worker.client.try_finish()); });
    for (Worker& worker : workers_) {
      if (!worker.client.try_finish()) std::abort();
    }
    times.pulls.push_back(pulled / static_cast<double>(count));
    times.pushes.push_back(pushed / static_cast<double>(count));
  }

 private:
  static ps::RowTable table(std::uint64_t rows, OptimizerKind kind) {
    OptimizerOptions optimizer;
    optimizer.kind = kind;
    return {"rows", kWidth, {0, rows}, optimizer, false, {}};
  }

  /// @return rows
  std::uint64_t draw(Worker& worker, std::uint64_t round) {
    const RandomStream random{1, Purpose::generate};
    ps::TouchedRows& touched = worker.parts[0].tables[0];
    const std::uint64_t rows = layout_.tables()[0].rows();
    touched.rows.clear();
    for (std::uint32_t n = 0; n < kBatch; ++n) touched.rows.push_back(random.below(rows, round, n));
    ps::make_distinct(touched.rows);
    touched.gradients.resize(touched.rows.size() * kWidth);
    worker.client.request(worker.client.step(), worker.parts);
    return touched.rows.size();
  }

  template <class Body>
  double timed(Body&& body) {
    const double start = thread_cpu_seconds();
    for (Worker& worker : workers_) body(worker);
    return thread_cpu_seconds() - start;
  }

  ps::RowLayout layout_;
  ps::RowJob job_;
  Memory memory_;
  ps::RowNode node_;
  comm::LocalHub hub_;
  std::deque<Worker> workers_;
};

/// The plain copies of what a step pulls and pushes.
class Copies {
 public:
  Copies(const comm::Environment* alone, std::uint64_t rows)
      : rows_{rows}, from_{alone, rows * kBytes}, to_{alone, rows * kBytes} {}

  void step(std::uint64_t round, Times& times) {
    const std::size_t at = round * kBatch % (rows_ - kBatch) * kBytes;
    const double start = thread_cpu_seconds();
    std::memcpy(to_.bytes().data() + at, from_.bytes().data() + at, kBatch * kBytes);
    times.copies.push_back((thread_cpu_seconds() - start) / kBatch);
  }

 private:
  std::uint64_t rows_;
  Memory from_;
  Memory to_;
};

/// @param alone a job of one rank, whose memory has huge pages; none: small pages
void run(const comm::Environment* alone, std::uint64_t rows, std::uint64_t rounds) {
  constexpr auto kBsp = ps::Consistency::bsp;
  constexpr auto kAsp = ps::Consistency::asp;
  Copies copies{alone, rows};
  std::printf("%s pages\n", alone != nullptr ? "huge" : "small");
  std::printf("policy, workers, optimizer   copy   pull   push  ns/row; copies / (pull + push)\n");
  for (const Case& which :
       {Case{"bsp", kBsp, 1, OptimizerKind::sgd}, Case{"asp", kAsp, 1, OptimizerKind::sgd},
        Case{"bsp", kBsp, 2, OptimizerKind::sgd}, Case{"asp", kAsp, 2, OptimizerKind::sgd},
        Case{"bsp", kBsp, 1, OptimizerKind::adam}}) {
    Job job{alone, rows, which};
    Times times;
    for (std::uint64_t round = 0; round < rounds; ++round) {
      copies.step(round, times);
      job.step(round, times);
    }
    const double copy = median(times.copies);
    const double pull = median(times.pulls);
    const double push = median(times.pushes);
    std::printf("%-6s %8zu   %-9s %6.1f %6.1f %6.1f  %.2f\n", which.name, which.workers,
                std::string{name_of(which.optimizer)}.c_str(), 1e9 * copy, 1e9 * pull, 1e9 * push,
                2 * copy / (pull + push));
  }
}

}  // namespace
}  // namespace factorps

int main(int argc, char** argv) {
  const auto number = [&](int n, std::uint64_t otherwise) {
    return argc > n ? std::strtoull(argv[n], nullptr, 10) : otherwise;
  };
  const factorps::comm::Environment alone{false};
  const auto rows = std::max<std::uint64_t>(number(1, 400'000), 10'000);
  factorps::run(&alone, rows, number(2, 400));
  factorps::run(nullptr, rows, number(2, 400));
}

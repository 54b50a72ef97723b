/// Rows that a worker pulls from and pushes to its own node, against a plain copy of the same
/// bytes. Usage: factorps_row_copies [ROWS [ROUNDS]]
///
/// One thread, dim 64, plain SGD, in turn: copy, pull, push, for each policy. Pulled and pushed
/// rows are random, distinct and ascending, as mini-batches have them; the copy goes from one end
/// of a buffer of the table's size to the other. Prints medians of CPU seconds per row.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "comm/local_transport.hpp"
#include "common/aligned_buffer.hpp"
#include "common/random.hpp"
#include "common/timer.hpp"
#include "ps/rows/row_client.hpp"

namespace factorps {
namespace {

constexpr std::size_t kWidth = 64;
constexpr std::uint64_t kBatch = 4096;

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

/// A job of one worker, who is all there is.
class Job {
 public:
  Job(std::uint64_t rows, ps::Consistency consistency)
      : layout_{{table(rows)}, {{0, 1}}},
        job_{{consistency, 0}, 1, 1, {0}, {std::size_t{1} << 22}},
        memory_{ps::RowNode::bytes_needed(layout_, job_, 0)},
        node_{memory_.span(), layout_, job_, 0},
        link_{hub_.link(0)},
        client_{*link_, node_, {0, {0}}} {}

  /// @return CPU seconds of the pull and of the push with what applies it
  std::pair<double, double> step(std::vector<ps::TouchedTables>& parts) {
    client_.request(client_.step(), parts);
    const double start = thread_cpu_seconds();
    if (!client_.try_pull(parts)) std::abort();
    const double pulled = thread_cpu_seconds();
    client_.push(parts, kBatch);
    if (!client_.try_finish()) std::abort();
    return {pulled - start, thread_cpu_seconds() - pulled};
  }

 private:
  static ps::RowTable table(std::uint64_t rows) {
    return {"rows", kWidth, {0, rows}, OptimizerOptions{}, false, {}};
  }
  ps::RowLayout layout_;
  ps::RowJob job_;
  AlignedBuffer<std::byte> memory_;
  ps::RowNode node_;
  comm::LocalHub hub_{1};
  std::unique_ptr<comm::Transport> link_;
  ps::RowClient client_;
};

ps::TouchedTables batch_of(std::uint64_t rows, std::uint64_t round) {
  const RandomStream random{1, Purpose::generate};
  ps::TouchedRows touched;
  for (std::uint32_t n = 0; n < kBatch; ++n) touched.rows.push_back(random.below(rows, round, n));
  std::ranges::sort(touched.rows);
  touched.rows.erase(std::unique(touched.rows.begin(), touched.rows.end()), touched.rows.end());
  touched.values.resize(touched.rows.size() * kWidth);
  touched.gradients.assign(touched.rows.size() * kWidth, 0.01F);
  return {kBatch, {touched}};
}

void run(std::uint64_t rows, std::uint64_t rounds) {
  const AlignedBuffer<float> from{rows * kWidth};
  const AlignedBuffer<float> to{rows * kWidth};
  std::vector<double> copies;
  std::printf("policy   copy ns/row   pull ns/row   push ns/row   copies of pull+push / time\n");
  for (const auto& [name, policy] :
       {std::pair{"bsp", ps::Consistency::bsp}, std::pair{"asp", ps::Consistency::asp}}) {
    Job job{rows, policy};
    std::vector<double> pulls;
    std::vector<double> pushes;
    copies.clear();
    for (std::uint64_t round = 0; round < rounds; ++round) {
      std::vector<ps::TouchedTables> parts;
      parts.push_back(batch_of(rows, round));
      const auto count = static_cast<double>(parts[0].tables[0].rows.size());
      const std::size_t at = round * kBatch % (rows - kBatch) * kWidth;
      const double start = thread_cpu_seconds();
      std::memcpy(to.data() + at, from.data() + at, kBatch * kWidth * sizeof(float));
      copies.push_back((thread_cpu_seconds() - start) / kBatch);
      const auto [pull, push] = job.step(parts);
      pulls.push_back(pull / count);
      pushes.push_back(push / count);
    }
    const double copy = median(copies);
    const double pull = median(pulls);
    const double push = median(pushes);
    std::printf("%-6s %13.1f %13.1f %13.1f %13.2f\n", name, 1e9 * copy, 1e9 * pull, 1e9 * push,
                2 * copy / (pull + push));
  }
}

}  // namespace
}  // namespace factorps

int main(int argc, char** argv) {
  const auto number = [&](int n, std::uint64_t otherwise) {
    return argc > n ? std::strtoull(argv[n], nullptr, 10) : otherwise;
  };
  factorps::run(std::max<std::uint64_t>(number(1, 400'000), 10'000), number(2, 400));
}

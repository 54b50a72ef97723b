/// Rows that a worker of ps-lite pulls from and pushes to a server of ps-lite: bench/vs_ps_lite.
/// Usage: factorps_ps_lite_rows STEPS, with the role and the addresses in the environment (DMLC_*).
///
/// The work of factorps_row_copies: steps of 4096 random rows out of 400,000, dim 64, distinct and
/// ascending; the server applies plain SGD to a table that lies in one piece. The push of a step is
/// under way while the rows of the next one are pulled. Nothing is copied that need not be (ZPull,
/// ZPush). Prints the CPU seconds of all threads of the process.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <vector>

#include <ps/ps.h>

#include "common/random.hpp"

namespace {

using ::ps::Key;
using ::ps::KVMeta;
using ::ps::KVPairs;
using ::ps::KVServer;
using ::ps::KVWorker;
using ::ps::SArray;

constexpr std::size_t kWidth = 64;
constexpr std::size_t kRows = 400'000;
constexpr std::size_t kBatch = 4096;
constexpr std::uint32_t kBatches = 64;  // different ones
constexpr float kRate = 0.01F;

/// The table of a server.
class Table {
 public:
  void answer(const KVMeta& request, const KVPairs<float>& data, KVServer<float>* server) {
    KVPairs<float> rows;
    if (request.push) {
      apply(data);
    } else {
      read(data.keys, rows);
    }
    server->Response(request, rows);
  }

 private:
  void apply(const KVPairs<float>& data) {
    const float* gradient = data.vals.data();
    for (const Key key : data.keys) {
      float* const row = values_.data() + key * kWidth;
      for (std::size_t c = 0; c < kWidth; ++c) row[c] -= kRate * *gradient++;
    }
  }
  void read(const SArray<Key>& keys, KVPairs<float>& rows) const {
    rows.keys = keys;
    rows.vals.resize(keys.size() * kWidth);
    float* to = rows.vals.data();
    for (const Key key : keys) {
      std::memcpy(to, values_.data() + key * kWidth, kWidth * sizeof(float));
      to += kWidth;
    }
  }

  std::vector<float> values_ = std::vector<float>(kRows * kWidth, 0.5F);
};

std::vector<SArray<Key>> draw() {
  const factorps::RandomStream random{1, factorps::Purpose::generate};
  std::vector<SArray<Key>> batches;
  for (std::uint32_t batch = 0; batch < kBatches; ++batch) {
    std::vector<Key> keys;
    for (std::uint32_t n = 0; n < kBatch; ++n) keys.push_back(random.below(kRows, batch, n));
    std::ranges::sort(keys);
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    batches.emplace_back(keys);
  }
  return batches;
}

void work(long steps) {
  KVWorker<float> worker{0, 0};
  const std::vector<SArray<Key>> batches = draw();
  SArray<float> rows;
  SArray<float> gradients[2];  // of the step before, which may still be on its way, and of this one
  int pushed = -1;
  for (long step = 0; step < steps; ++step) {
    const SArray<Key>& keys = batches[static_cast<std::size_t>(step) % kBatches];
    rows.resize(keys.size() * kWidth);
    worker.Wait(worker.ZPull(keys, &rows));
    SArray<float>& gradient = gradients[step % 2];
    gradient.resize(rows.size());
    std::fill_n(gradient.data(), gradient.size(), 0.01F);
    if (pushed >= 0) worker.Wait(pushed);
    pushed = worker.ZPush(keys, gradient);
  }
  if (pushed >= 0) worker.Wait(pushed);
}

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: factorps_ps_lite_rows STEPS\n", stderr);
    return 2;
  }
  ::ps::Start(0);
  if (::ps::IsServer()) {
    auto table = std::make_shared<Table>();
    auto server = std::make_shared<KVServer<float>>(0);
    server->set_request_handle([table](const KVMeta& request, const KVPairs<float>& data,
                                       KVServer<float>* me) { table->answer(request, data, me); });
    ::ps::RegisterExitCallback([server]() mutable { server.reset(); });
  }
  if (::ps::IsWorker()) work(std::strtol(argv[1], nullptr, 10));
  ::ps::Finalize(0, true);
  std::printf("%.6f\n", cpu_seconds());
}

#include "ps/cut_writer.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/faults.hpp"
#include "common/timer.hpp"

namespace factorps::ps {
namespace {

constexpr Seconds kNap{0.5e-3};
constexpr int kNiceness = 10;

/// On Linux a thread has its own: workers go first where cores are few.
void be_nice() {
  static_cast<void>(
      ::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), kNiceness));
}

}  // namespace

CutWriter::CutWriter(std::filesystem::path path, Cut cut)
    : path_{std::move(path)}, cut_{std::move(cut)}, thread_{[this] { run(); }} {}

CutWriter::~CutWriter() {
  abandoned_ = true;
  thread_.join();
}

CheckpointFile CutWriter::result() const {
  if (failure_) std::rethrow_exception(failure_);
  return file_;
}

void CutWriter::run() {
  be_nice();
  const ActivityScope scope{activity_, "checkpoint writer"};
  try {
    write();
  } catch (...) {
    failure_ = std::current_exception();
  }
  done_.store(true, std::memory_order_release);
}

void CutWriter::write() {
  const Doing doing{"writes " + path_.string()};
  std::vector<ShardPart> parts;
  std::vector<std::size_t> missing;
  for (std::size_t n = 0; n < cut_.parts.size(); ++n) {
    parts.push_back(cut_.parts[n].part);
    missing.push_back(n);
  }
  ShardWriter writer{path_, std::move(parts)};
  while (!missing.empty()) {
    const bool wrote = write_copied(writer, missing);
    if (abandoned_) return;
    if (wrote || missing.empty()) continue;
    activity_.rest(fmt::format("copies of {} and {} more strips or blocks",
                               cut_.parts[missing.front()].part.group, missing.size() - 1));
    sleep(kNap);
  }
  pass_checkpoint_phase(CheckpointPhase::writing);
  file_ = writer.finish();
  pass_checkpoint_phase(CheckpointPhase::written);
}

bool CutWriter::write_copied(ShardWriter& writer, std::vector<std::size_t>& missing) {
  const auto written = std::erase_if(missing, [&](std::size_t n) {
    const auto* copied = cut_.parts[n].copied;
    if (copied != nullptr && copied->load(std::memory_order_acquire) < cut_.number) return false;
    const Doing doing{fmt::format("writes {} to {}", cut_.parts[n].part.group, path_.string())};
    writer.write(n);
    written_.fetch_add(1, std::memory_order_relaxed);
    return true;
  });
  return written > 0;
}

}  // namespace factorps::ps

#include "common/faults.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

namespace factorps {

namespace detail {
std::atomic<Faults*> faults_of_process{nullptr};
}

namespace fs = std::filesystem;

/// A fault, and how often its occasion has come.
struct Faults::Armed {
  explicit Armed(Fault f) : fault{std::move(f)} {}
  Fault fault;
  std::atomic<std::uint64_t> count{0};  // occasions, or bytes

  [[nodiscard]] bool ends_process() const {
    return fault.action == FaultAction::kill || fault.action == FaultAction::freeze;
  }
  [[nodiscard]] bool meets(const fs::path& path) const {
    return fault.path.empty() || path.native().find(fault.path) != std::string::npos;
  }
  /// Whether this occasion is the n-th.
  [[nodiscard]] bool is_turn(std::uint64_t n) { return ++count == n; }
};

/// Ends the process at a time, whatever it does.
class Faults::Alarm {
 public:
  template <class Ring>
  Alarm(double seconds, Ring ring)
      : thread_{[this, seconds, ring](const std::stop_token& stop) {
          std::unique_lock lock{mutex_};
          const std::chrono::duration<double> time{seconds};
          if (!over_.wait_for(lock, stop, time, [&] { return stop.stop_requested(); })) ring();
        }} {}

 private:
  std::mutex mutex_;
  std::condition_variable_any over_;
  std::jthread thread_;
};

Faults::Faults(const std::vector<Fault>& faults, int rank) : rank_{rank} {
  for (const Fault& fault : faults) {
    if (fault.rank && *fault.rank != rank) continue;
    armed_.push_back(std::make_unique<Armed>(fault));
    Armed& armed = *armed_.back();
    const FaultAction action = fault.action;
    files_ = files_ || action == FaultAction::fail || action == FaultAction::fill;
    if (!fault.seconds) continue;
    alarms_.push_back(
        std::make_unique<Alarm>(*fault.seconds, [this, &armed] { end(armed, "at this time"); }));
  }
}

Faults::~Faults() = default;

void Faults::say(const std::string& what) const {
  const std::string line = fmt::format("factorps: fault on rank {}: {}\n", rank_, what);
  std::fputs(line.c_str(), stderr);  // in one piece: other ranks write too
  std::fflush(stderr);
}

void Faults::end(Armed& armed, const std::string& where) {
  say(fmt::format("{}: {}", armed.fault.text, where));
  ::kill(::getpid(), armed.fault.action == FaultAction::kill ? SIGKILL : SIGSTOP);
}

void Faults::begin_epoch(std::uint64_t epoch) {
  for (const auto& armed : armed_) {
    const Fault& fault = armed->fault;
    if (!armed->ends_process() || fault.epoch != epoch || fault.cell) continue;
    if (armed->is_turn(1)) end(*armed, fmt::format("begins epoch {}", epoch));
  }
}

void Faults::begin_cell(std::uint64_t epoch) {
  for (const auto& armed : armed_) {
    const Fault& fault = armed->fault;
    if (!armed->ends_process() || !fault.cell || (fault.epoch && *fault.epoch != epoch)) continue;
    if (armed->is_turn(*fault.cell)) end(*armed, fmt::format("in a cell of epoch {}", epoch));
  }
}

void Faults::at(CheckpointPhase phase) {
  for (const auto& armed : armed_) {
    const Fault& fault = armed->fault;
    if (!armed->ends_process() || fault.checkpoint != phase) continue;
    if (armed->is_turn(fault.nth)) end(*armed, fmt::format("checkpoint, {}", name_of(phase)));
  }
}

Faults::Write Faults::write(const fs::path& path, std::size_t bytes) {
  Write result{bytes, fails(FileOperation::write, path)};
  if (result.error != 0) result.bytes = 0;
  for (const auto& armed : armed_) {
    const Fault& fault = armed->fault;
    if (fault.action != FaultAction::fill || !armed->meets(path)) continue;
    const std::uint64_t before = armed->count.fetch_add(bytes);
    if (before + bytes <= *fault.bytes) continue;
    if (before <= *fault.bytes) say(fmt::format("{}: {}", fault.text, path.string()));
    const std::uint64_t room = *fault.bytes - std::min(before, *fault.bytes);
    result = {std::min<std::size_t>(result.bytes, room), fault.error};
  }
  return result;
}

int Faults::fails(FileOperation operation, const fs::path& path) {
  int error = 0;
  for (const auto& armed : armed_) {
    const Fault& fault = armed->fault;
    if (fault.action != FaultAction::fail || fault.operation != operation) continue;
    if (!armed->meets(path) || !armed->is_turn(fault.nth)) continue;
    say(fmt::format("{}: {}", fault.text, path.string()));
    error = fault.error;
  }
  return error;
}

void Faults::damage(const fs::path& committed) {
  if (!fs::is_directory(committed)) return damage_file(committed);
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator{committed}) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  for (const fs::path& file : files) damage_file(file);
}

void Faults::damage_file(const fs::path& file) {
  for (const auto& armed : armed_) {
    const Fault& fault = armed->fault;
    const bool flips = fault.action == FaultAction::flip;
    if (!flips && fault.action != FaultAction::truncate) continue;
    if (!armed->meets(file) || !armed->is_turn(fault.nth)) continue;
    const std::uint64_t size = fs::file_size(file);
    if (size == 0) continue;
    say(fmt::format("{}: {}", fault.text, file.string()));
    if (!flips) {
      fs::resize_file(file, std::min(fault.bytes.value_or(size / 2), size));
      continue;
    }
    const auto at = static_cast<std::streamoff>(fault.byte.value_or(size / 2) % size);
    std::fstream bytes{file, std::ios::in | std::ios::out | std::ios::binary};
    bytes.seekg(at);
    const int byte = bytes.get();
    bytes.seekp(at);
    bytes.put(static_cast<char>(byte ^ (1 << fault.bit)));
  }
}

std::vector<Fault> Faults::messages() const {
  std::vector<Fault> found;
  for (const auto& armed : armed_) {
    const FaultAction action = armed->fault.action;
    if (action == FaultAction::delay || action == FaultAction::drop) found.push_back(armed->fault);
  }
  return found;
}

void install_faults(std::unique_ptr<Faults> faults) {
  static std::unique_ptr<Faults> owner;
  detail::faults_of_process.store(nullptr, std::memory_order_release);
  owner = std::move(faults);
  detail::faults_of_process.store(owner.get(), std::memory_order_release);
}

}  // namespace factorps

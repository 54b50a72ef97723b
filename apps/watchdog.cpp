#include "apps/watchdog.hpp"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/error.hpp"

namespace factorps::apps {
namespace {

constexpr double kInterval = 0.25;  // seconds between two looks
// A process that takes so much of a core, or reads or writes, is at work although it reports
// nothing: prepare sorts for minutes.
constexpr double kBusyShare = 0.05;
constexpr double kSecondsOfAnInput = 1;  // a page from disk counts as much processor time
// With ranks on other machines, of which nothing is known here, the scheduler has the last word.
constexpr int kStallsBeforeTheEnd = 12;

/// Grows while the process computes, or reads and writes.
double use_of_process() {
  rusage use{};
  ::getrusage(RUSAGE_SELF, &use);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(use.ru_utime) + seconds(use.ru_stime) +
         kSecondsOfAnInput * static_cast<double>(use.ru_majflt + use.ru_inblock + use.ru_oublock);
}

WatchOptions options_of(const comm::Environment& environment, const ClusterConfig& config) {
  return {environment.rank(), kInterval, config.watchdog_seconds, config.timeout_seconds};
}

}  // namespace

Watchdog::Watchdog(const comm::Environment& environment, const ClusterConfig& config)
    : rank_{environment.rank()},
      launched_{environment.launched()},
      board_{environment, config.timeout_seconds},
      main_{board_.mine(), environment.rank() == 0 ? "scheduler" : ""},
      beside_{board_.beside()},
      watch_{options_of(environment, config), state_of_process} {
  all_here_ = board_.ranks().size() == static_cast<std::size_t>(environment.size());
  if (config.watchdog_seconds > 0) thread_ = std::jthread{[this](const auto& stop) { run(stop); }};
}

/// Whoever goes because of an error says so himself: what becomes of the others is no news.
Watchdog::~Watchdog() {
  if (std::uncaught_exceptions() > 0) static_cast<void>(board_.may_speak());
}

void Watchdog::run(const std::stop_token& stop) {
  sigset_t all;
  sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);  // they are for the main thread
  std::unique_lock lock{mutex_};
  const std::chrono::duration<double> interval{kInterval};
  while (!over_.wait_for(lock, stop, interval, [&] { return stop.stop_requested(); })) {
    board_.mine().tick();
    note_whether_busy();
    show_other_thread();
    if (const auto verdict = watch_.look(see())) conclude(*verdict);
  }
}

/// Other threads of this process, too: those of a job without a launcher.
std::vector<ActivitySeen> Watchdog::see() const {
  if (launched_) return board_.see();
  return ActivityScope::of_process(rank_);
}

/// Ranks see one another's main threads; the one that writes a checkpoint has no row of its own.
void Watchdog::show_other_thread() {
  if (!launched_) return;
  std::vector<ActivitySeen> threads = ActivityScope::of_process(rank_);
  std::erase_if(threads, [](const ActivitySeen& one) { return one.process == ::getpid(); });
  beside_.show(threads);
}

void Watchdog::note_whether_busy() {
  const double use = use_of_process();
  const bool busy = use - busy_until_ > kBusyShare * kInterval;
  busy_until_ = use;
  if (busy && !board_.mine().see(rank_).resting) board_.mine().found_busy();
}

void Watchdog::conclude(const Verdict& verdict) {
  const bool ends =
      verdict.kind != Verdict::Kind::stalled || all_here_ || ++stalls_ >= kStallsBeforeTheEnd;
  if (ends && !board_.may_speak()) return;  // another rank does, and ends this one too
  if (!ends && rank_ != board_.ranks().front()) return;
  std::string text =
      fmt::format("factorps: where the ranks of this machine are:\n{}", verdict.everybody);
  text += ends ? fmt::format("factorps: error: {}\n", verdict.cause)
               : fmt::format("factorps: rank {}: {}\n", rank_, verdict.cause);
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
  // Not by MPI, which is the main thread's: a launcher ends a job of which a rank ends like this.
  if (ends) std::_Exit(static_cast<int>(ExitCode::resources));
}

}  // namespace factorps::apps

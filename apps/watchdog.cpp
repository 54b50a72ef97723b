#include "apps/watchdog.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

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
// Of the period. Watchdogs of the machine itself know more, and come first.
constexpr double kPatienceWithMachines = 1.5;
constexpr double kSignsPerPeriod = 8;
constexpr double kSecondsPerSign = 1;  // at most
// It takes one or two to end all ranks when one has ended.
constexpr double kSecondsOfTheLauncher = 10;

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

/// Whom a rank listens to, and who listens to it.
struct Neighbours {
  std::vector<int> ranks;
  std::vector<std::string> machines;  // for people [as ranks]
};

/// The first rank of the first machine and those of all others; that is all it takes to end a job.
Neighbours neighbours_of(const comm::Environment& environment) {
  const auto& hosts = environment.hosts();
  const auto is_first = [&](int rank) {
    const std::string& host = hosts[static_cast<std::size_t>(rank)];
    return std::ranges::find(hosts, host) - hosts.begin() == rank;
  };
  const int me = environment.rank();
  Neighbours found;
  for (int rank = 0; rank < environment.size() && is_first(me); ++rank) {
    if (!is_first(rank) || (me == 0) == (rank == 0)) continue;
    const std::string& host = hosts[static_cast<std::size_t>(rank)];
    const auto more = std::ranges::count(hosts, host) - 1;
    found.ranks.push_back(rank);
    found.machines.push_back(fmt::format("machine {} (rank {}{})", host, rank,
                                         more > 0 ? fmt::format(" and {} more", more) : ""));
  }
  return found;
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
  if (!all_here_ && environment.takes_turns()) listen(environment, config.watchdog_seconds);
}

void Watchdog::listen(const comm::Environment& environment, double period) {
  const Neighbours neighbours = neighbours_of(environment);
  auto signs = std::make_unique<comm::SignsOfLife>(environment, neighbours.ranks);
  signs->say(lines_of(see()));
  const double per_sign = std::min(kSecondsPerSign, period / kSignsPerPeriod) / kInterval;
  const std::lock_guard lock{mutex_};
  looks_per_sign_ = static_cast<std::uint64_t>(std::max(per_sign, 1.0));
  others_.emplace(kInterval, kPatienceWithMachines * period, neighbours.machines);
  signs_ = std::move(signs);
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
    const std::vector<ActivitySeen> seen = see();
    if (const auto verdict = watch_.look(seen)) conclude(*verdict);
    if (!signs_) continue;
    if (const auto verdict = look_at_others(seen)) conclude(*verdict);
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

/// While the main thread is in a long call of MPI, nobody is heard and nobody missed.
std::optional<Verdict> Watchdog::look_at_others(std::span<const ActivitySeen> seen) {
  if (looks_++ % looks_per_sign_ == 0) signs_->say(lines_of(seen));
  auto heard = signs_->hear();
  if (!heard) return std::nullopt;
  for (comm::Sign& sign : *heard) {
    if (sign.leaves) {
      others_->left(sign.peer);
    } else {
      others_->heard(sign.peer, std::move(sign.words));
    }
  }
  auto verdict = others_->look();
  if (verdict) verdict->everybody.insert(0, lines_of(seen));
  return verdict;
}

void Watchdog::note_whether_busy() {
  const double use = use_of_process();
  const bool busy = use - busy_until_ > kBusyShare * kInterval;
  busy_until_ = use;
  if (busy && !board_.mine().see(rank_).resting) board_.mine().found_busy();
}

/// Another rank has spoken, and the launcher ends this one; unless the network to it is gone.
void Watchdog::wait_for_the_end() {
  if (++looks_at_the_end_ * kInterval < kSecondsOfTheLauncher) return;
  std::_Exit(static_cast<int>(ExitCode::resources));
}

void Watchdog::conclude(const Verdict& verdict) {
  const bool ends =
      verdict.kind != Verdict::Kind::stalled || all_here_ || ++stalls_ >= kStallsBeforeTheEnd;
  if (ends && !board_.may_speak()) return wait_for_the_end();
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

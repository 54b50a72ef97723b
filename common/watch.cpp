#include "common/watch.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

#include <fmt/format.h>

namespace factorps {
namespace {

// One fsync of many gigabytes says nothing until it is done.
constexpr double kDiskPatience = 12;  // times the patience

std::string_view explain(ProcessState state) {
  switch (state) {
    case ProcessState::stopped:
      return "is stopped (SIGSTOP or a debugger)";
    case ProcessState::waits_for_disk:
      return "hangs in the kernel (a disk or a network file system?)";
    case ProcessState::gone:
      return "is gone";
    case ProcessState::runs:
      return "does not get to run (is the machine overloaded?)";
  }
  return "";
}

std::string name_of(const ActivitySeen& rank) {
  return rank.who.empty() ? fmt::format("rank {}", rank.rank)
                          : fmt::format("rank {} ({})", rank.rank, rank.who);
}

/// What it did when it was last heard of.
std::string last_words(const ActivitySeen& rank) {
  std::string text;
  if (!rank.doing.empty()) text += "; it " + rank.doing;
  const std::string held = text_of(rank.holding);
  if (!held.empty()) text += "; it held " + held;
  if (held.empty() && rank.resting) text += "; it waited for " + rank.waits_for;
  return text;
}

}  // namespace

std::string text_of(const ActivitySeen& seen) {
  std::string text = name_of(seen) + ":";
  const char* between = " ";
  const auto add = [&](const std::string& part) {
    text += between + part;
    between = "; ";
  };
  if (!seen.doing.empty()) add(seen.doing);
  if (seen.resting) add("waits for " + seen.waits_for);
  if (const std::string held = text_of(seen.holding); !held.empty()) add("holds " + held);
  if (*between == ' ')
    add(seen.lives ? "works" : seen.process == 0 ? "has not begun" : "has ended");
  return text;
}

std::string lines_of(std::span<const ActivitySeen> seen) {
  std::string lines;
  for (const ActivitySeen& one : seen) lines += "  " + text_of(one) + "\n";
  return lines;
}

std::optional<Verdict> Watch::look(std::span<const ActivitySeen> seen) {
  std::uint64_t progress = 0;
  std::optional<Verdict> verdict;
  for (const ActivitySeen& one : seen) {
    progress += one.progress;
    // Other threads may have ended since the watchdog of their process last said what they do.
    const bool is_process = one.lives && !one.beside && one.rank != options_.self;
    if (is_process && !verdict) verdict = look_at_process(one);
  }
  looks_without_progress_ = progress == progress_ ? looks_without_progress_ + 1 : 0;
  progress_ = progress;
  if (!verdict && has_stalled(seen)) {
    verdict = Verdict{Verdict::Kind::stalled,
                      {},
                      fmt::format("nobody got on for {:.0f} s (cluster.timeout_seconds)",
                                  seconds(looks_without_progress_))};
    looks_without_progress_ = 0;
  }
  if (verdict) verdict->everybody = lines_of(seen);
  return verdict;
}

bool Watch::has_stalled(std::span<const ActivitySeen> seen) const {
  const double time = seconds(looks_without_progress_);
  if (time < options_.patience) return false;
  return time >= kDiskPatience * options_.patience ||
         std::ranges::none_of(seen, [this](const ActivitySeen& one) {
           return one.lives && state_of_(one.process) == ProcessState::waits_for_disk;
         });
}

std::optional<Verdict> Watch::look_at_process(const ActivitySeen& rank) {
  Known& known = known_[rank.process];
  known.looks_without = rank.ticks == known.ticks ? known.looks_without + 1 : 0;
  known.ticks = rank.ticks;
  if (known.looks_without < 2) return std::nullopt;  // or /proc would be read all the time
  const ProcessState state = state_of_(rank.process);
  if (state == ProcessState::gone) {
    return Verdict{Verdict::Kind::gone,
                   {},
                   fmt::format("{} is gone: killed, out of memory or crashed{}", name_of(rank),
                               last_words(rank))};
  }
  if (seconds(known.looks_without) < options_.period) return std::nullopt;
  return Verdict{Verdict::Kind::frozen,
                 {},
                 fmt::format("{} stands still for {:.0f} s (cluster.watchdog_seconds): process {} "
                             "{}{}",
                             name_of(rank), seconds(known.looks_without), rank.process,
                             explain(state), last_words(rank))};
}

void Mirror::show(std::span<const ActivitySeen> threads) {
  if (threads.empty()) {
    if (std::exchange(thread_, 0) != 0) shown_.leave();
    return;
  }
  const auto works = std::ranges::find(threads, false, &ActivitySeen::resting);
  const ActivitySeen& one = works == threads.end() ? threads.front() : *works;
  if (std::exchange(thread_, one.process) != one.process) shown_.enter(one.who, one.process);
  if (std::exchange(progress_, one.progress) != one.progress) shown_.progress();
  shown_.begin(one.doing);
  if (one.resting) {
    shown_.rest(one.waits_for);
  } else {
    shown_.wake();
  }
  shown_.tick();
}

ProcessState state_of_process(std::int64_t process) {
  std::ifstream file{fmt::format("/proc/{}/stat", process)};
  const std::string text{std::istreambuf_iterator<char>{file}, {}};
  const std::size_t name_end = text.rfind(')');  // the name before it may hold anything
  if (name_end == std::string::npos || name_end + 2 >= text.size()) return ProcessState::gone;
  switch (text[name_end + 2]) {
    case 'T':
    case 't':
      return ProcessState::stopped;
    case 'D':
      return ProcessState::waits_for_disk;
    case 'Z':
    case 'X':
      return ProcessState::gone;
    default:
      return ProcessState::runs;
  }
}

}  // namespace factorps

#include "common/machine_watch.hpp"

#include <utility>

#include <fmt/format.h>

namespace factorps {

MachineWatch::MachineWatch(double interval, double patience, const std::vector<std::string>& names)
    : interval_{interval}, patience_{patience} {
  for (const std::string& name : names) machines_.push_back({name, {}, 0, false});
}

void MachineWatch::heard(std::size_t machine, std::string words) {
  Machine& one = machines_.at(machine);
  one.looks_without = 0;
  one.words = std::move(words);
}

std::optional<Verdict> MachineWatch::look() {
  for (Machine& one : machines_) {
    const double silent = static_cast<double>(++one.looks_without) * interval_;
    if (one.left || silent < patience_) continue;
    Verdict verdict{Verdict::Kind::silent, {}, {}};
    if (!one.words.empty()) {
      verdict.everybody = fmt::format(
          "factorps: where those of {} were when it was last heard:\n{}", one.name, one.words);
    }
    verdict.cause = fmt::format(
        "{} has said nothing for {:.0f} s (cluster.watchdog_seconds): it stands still, or the "
        "network to it",
        one.name, silent);
    return verdict;
  }
  return std::nullopt;
}

}  // namespace factorps

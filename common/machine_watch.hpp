/// What a watchdog concludes from what other machines say.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/watch.hpp"

namespace factorps {

/// Machines that must say again and again that they are there. Counts looks, as Watch does: time in
/// which this one stood still, or could not listen, counts for nobody.
class MachineWatch {
 public:
  /// @param interval between two looks, seconds @param patience without a word, seconds
  /// @param names of the machines, for people
  MachineWatch(double interval, double patience, const std::vector<std::string>& names);

  /// @param words where its ranks are: a line each
  void heard(std::size_t machine, std::string words);
  /// No more is expected of it.
  void left(std::size_t machine) { machines_.at(machine).left = true; }
  /// To be called in equal intervals, whenever what has come has been heard.
  /// @return the first that has been silent for too long, with what it said last
  [[nodiscard]] std::optional<Verdict> look();

 private:
  struct Machine {
    std::string name;
    std::string words;
    std::uint64_t looks_without = 0;
    bool left = false;
  };

  double interval_;
  double patience_;
  std::vector<Machine> machines_;
};

}  // namespace factorps

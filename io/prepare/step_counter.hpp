/// Counts what each step of prepare leaves.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "io/prepare/grouped.hpp"
#include "io/prepare/merge.hpp"
#include "io/prepare/summary.hpp"

namespace factorps {

/// Rows that may train: those of data.source, without what a split has taken.
[[nodiscard]] std::uint64_t training_rows(const GroupedRows& data);

/// Follows the rows from step to step, and stops at the one that leaves none to train on.
class StepCounter {
 public:
  StepCounter() = default;
  explicit StepCounter(const RawInteractions& data);

  /// A cleaning step. @throws DataError if nothing is left to train on: which step it was, and the
  /// counts after all steps so far
  void count(const std::string& step, const Rows& rows, std::uint64_t training);
  /// A split, which leaves out no row. @throws DataError as above
  void count_split(const std::string& step, std::uint64_t training);

  [[nodiscard]] const std::vector<CleaningStep>& steps() const noexcept { return steps_; }

 private:
  void follow(const std::string& step, std::uint64_t training);

  std::uint64_t users_ = 0;  // dense ids
  std::uint64_t items_ = 0;
  std::vector<CleaningStep> steps_;
  Extent extent_;
  std::vector<std::pair<std::string, std::uint64_t>> training_;  // step, rows after it
};

}  // namespace factorps

/// The training interactions of a lane, and what each step of an epoch takes of them.
///
/// A mini-batch has a part from every lane: some neighbouring strips. What a part is made of
/// depends on the dataset, the seed, the epoch and the step, not on who computes it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "io/dataset.hpp"
#include "model/mini_batches.hpp"
#include "ps/layout.hpp"
#include "ps/rows/row_model.hpp"

namespace factorps::worker {

/// How mini-batches are made.
struct BatchOptions {
  std::uint64_t seed = 1;
  std::uint64_t batch = 1024;   ///< interactions of all lanes together
  std::uint32_t negatives = 0;  ///< pairs that are not known, for each
  bool binary = false;          ///< targets are 1, of negatives 0; else values
  bool pairs = false;           ///< the interaction stands before each of its negatives
  bool times = false;           ///< examples say when they were
  std::size_t history = 0;      ///< most items of what the user had before; 0: is not said

  [[nodiscard]] std::uint64_t examples_of_interaction() const noexcept {
    return pairs ? 2 * std::uint64_t{negatives} : 1 + std::uint64_t{negatives};
  }
};

/// The lanes of a job: neighbouring strips each. A lane belongs to the node of its first strip.
/// @return strips, [lane]
[[nodiscard]] std::vector<ps::Share> lanes_of(std::uint32_t strips, std::uint32_t lanes);

/// The lanes of each worker: those of its node, shared evenly.
/// @return numbers of lanes, [worker]
[[nodiscard]] std::vector<std::vector<std::uint32_t>> lanes_of_workers(
    const std::vector<ps::Share>& lanes, const ps::RowLayout& layout,
    const std::vector<int>& node_of_worker);

/// How many examples every lane of a job has in the steps of an epoch.
class StepSizes {
 public:
  StepSizes(const Dataset& dataset, const std::vector<ps::Share>& lanes,
            const BatchOptions& options);

  /// Of all lanes together. @param step of the epoch
  [[nodiscard]] std::uint64_t examples(std::uint64_t step) const;

 private:
  std::vector<std::uint64_t> interactions_;  // [lane]
  std::uint64_t steps_;
  std::uint64_t examples_of_each_;
};

class Lane {
 public:
  /// Copies the interactions: 4 bytes each, 8 with values, 8 per user; more with times (8 each) and
  /// histories (UserHistories).
  /// @param dataset must outlive the object
  Lane(const Dataset& dataset, ps::Share strips, const BatchOptions& options);

  [[nodiscard]] ps::Share strips() const noexcept { return strips_; }
  /// The interactions of a step: each of the lane is in a random one of an epoch. They ascend:
  /// neighbours are in the same lines of the caches, and users of several come once. What
  /// examples() reads of them is on its way to the caches then.
  void draw(std::uint64_t epoch, std::uint64_t step,
            std::vector<std::uint64_t>& interactions) const;
  /// What was drawn, by user and item; each is followed by its negatives: items with training
  /// interactions that the user has none with, drawn uniformly. (After 100 draws in vain, whatever
  /// comes.)
  void examples(std::uint64_t epoch, std::uint64_t step,
                std::span<const std::uint64_t> interactions, ps::RowExamples& examples) const;

 private:
  [[nodiscard]] std::uint64_t begin_of_step(std::uint64_t step) const;
  void list_times();
  /// What the user had before: one set for the interaction and its negatives.
  void add_history(std::uint64_t user, std::uint64_t interaction, ps::RowExamples& examples) const;
  void add_moments(std::uint64_t interaction, ps::RowExamples& examples) const;
  void add(std::uint64_t user, std::uint64_t item, float target, ps::RowExamples& examples) const;
  void add_negatives(std::uint64_t epoch, std::uint64_t user, std::uint64_t interaction,
                     ps::RowExamples& examples) const;
  [[nodiscard]] bool knows(std::uint64_t user, std::uint32_t item) const;
  [[nodiscard]] std::uint64_t user_of(std::uint64_t interaction) const;

  const Dataset& dataset_;
  ps::Share strips_;
  BatchOptions options_;
  std::uint64_t steps_;
  std::uint64_t first_user_ = 0;
  std::uint64_t first_number_ = 0;    // of its interactions among those of all lanes
  std::vector<std::uint64_t> begin_;  // [user of the lane], plus the end
  std::vector<std::uint32_t> marks_;  // users of every 64th interaction
  std::vector<std::uint32_t> items_;  // [interaction] ascending for each user
  std::vector<float> values_;         // [interaction]; none if binary
  std::vector<std::int64_t> times_;   // [interaction], if the dataset has them and they matter
  std::optional<ps::UserHistories> histories_;
};

}  // namespace factorps::worker

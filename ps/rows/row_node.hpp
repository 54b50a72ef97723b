/// What the ranks of a node share in row mode: the rows of the node with the state of their
/// optimizers, how far every worker of the job has got, and what was pushed but not yet applied.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "common/aligned_buffer.hpp"
#include "ps/rows/row_gate.hpp"
#include "ps/rows/row_layout.hpp"
#include "ps/rows/row_sections.hpp"
#include "ps/rows/shared_pulls.hpp"
#include "ps/tables.hpp"
#include "ps/unit_counter.hpp"

namespace factorps::ps {

/// How a sum of gradients changes a row.
struct RowStep {
  double scale = 1;  ///< of the sum, to the mean over the examples of the step
  float rate_factor = 1;
  std::uint64_t number = 0;  ///< of the step
  std::uint32_t pushes = 1;  ///< that the sum is of
};

/// Every rank of a node makes one over the same memory; it owns nothing. All-zero memory is the
/// valid state before the first step.
///
/// With bsp nobody reads rows while they are changed: clocks and applied() order it. Otherwise a
/// row is locked to be read or changed, and remembers the last step that it was part of: the first
/// gradient of a step makes a step of the optimizer, what comes of it later, or of one before it,
/// is added (RowOptimizer).
class RowNode {
 public:
  [[nodiscard]] static std::size_t bytes_needed(const RowLayout& layout, const RowJob& job,
                                                int node);

  /// @param memory bytes_needed(), aligned to kAlignment
  /// References must outlive the object.
  RowNode(std::span<std::byte> memory, const RowLayout& layout, const RowJob& job, int node);

  [[nodiscard]] const RowLayout& layout() const noexcept { return layout_; }
  [[nodiscard]] const RowJob& job() const noexcept { return job_; }
  [[nodiscard]] int node() const noexcept { return node_; }
  [[nodiscard]] bool has(std::size_t table, std::uint64_t row) const {
    return row - places_[table].rows.begin < places_[table].rows.size();
  }
  /// Values, then optimizer state. @param row of this node
  [[nodiscard]] float* record(std::size_t table, std::uint64_t row) const {
    const Place& place = places_[table];
    return reinterpret_cast<float*>(memory_.data() + place.records) +
           (row - place.rows.begin) * place.stride;
  }
  /// Floats from one record to the next.
  [[nodiscard]] std::size_t stride(std::size_t table) const { return places_[table].stride; }
  [[nodiscard]] const RowOptimizer& optimizer(std::size_t table) const {
    return optimizers_[table];
  }
  /// Copies the values of a row. @param to [width]
  void read(std::size_t table, std::uint64_t row, float* to) const;
  /// Ascending rows of this node, one behind the other. @param to [rows x width]
  void read(std::size_t table, std::span<const std::uint64_t> rows, float* to) const;
  /// One step of the optimizer. @param sum of gradients, [width]
  void apply(std::size_t table, std::uint64_t row, std::span<const double> sum, RowStep step) const;
  /// The same for the sum of one gradient. @param gradient [width]
  void apply(std::size_t table, std::uint64_t row, const float* gradient, RowStep step) const;
  /// The same for ascending rows. @param gradients [rows x width]
  void apply(std::size_t table, std::span<const std::uint64_t> rows, const float* gradients,
             RowStep step) const;
  /// So many rows are fetched before the first of them is changed, or locked and read. (Rows that
  /// are only read come as fast without.)
  static constexpr std::size_t kAhead = 8;
  /// Brings a record into the cache: it will be changed or locked soon. @param bytes of it
  /// (Always inline: GCC drops calls of functions that do nothing but prefetch.)
  [[gnu::always_inline]] inline void fetch(std::size_t table, std::uint64_t row,
                                           std::size_t bytes) const {
    const auto* at = reinterpret_cast<const std::byte*>(record(table, row));
    for (std::size_t line = 0; line < bytes; line += kAlignment) __builtin_prefetch(at + line, 1);
    const Place& place = places_[table];
    const std::size_t n = row - place.rows.begin;
    __builtin_prefetch(memory_.data() + place.pushes + n * sizeof(std::uint32_t), 1);
    if (job_.policy.consistency == Consistency::bsp) return;
    __builtin_prefetch(memory_.data() + place.guards + n * sizeof(std::uint64_t), 1);
  }

  /// How much was pushed to a row of this node since it was last asked. Not while it is changed.
  [[nodiscard]] std::uint32_t take_pushes(std::size_t table, std::uint64_t row) const;

  /// Steps of a worker whose pushes are all here.
  [[nodiscard]] std::atomic<std::uint64_t>& clock(std::size_t worker) const;
  /// The steps that every worker has finished, as far as is known here.
  [[nodiscard]] std::uint64_t min_clock() const;
  /// Workers of this node, ascending.
  [[nodiscard]] const std::vector<std::size_t>& workers_here() const noexcept { return here_; }
  /// How many of them come before a worker.
  [[nodiscard]] std::uint32_t part_of(std::size_t worker) const;
  /// Whether pushes wait in mailboxes for the others of their step: with bsp, unless there is only
  /// one worker.
  [[nodiscard]] bool collects() const noexcept {
    return job_.policy.consistency == Consistency::bsp && job_.workers() > 1;
  }
  /// Whether the workers of this node ask other nodes together, and push to them what they have
  /// added up: with bsp.
  [[nodiscard]] bool combines() const noexcept {
    return collects() && here_.size() > 1 && layout_.nodes() > 1;
  }
  /// What they have asked for, if they combine().
  [[nodiscard]] const SharedPulls& pulls() const noexcept { return pulls_.value(); }
  /// How often a worker of this node has applied its share of a step, if it collects.
  [[nodiscard]] std::atomic<std::uint64_t>& applied() const;
  /// bsp: whether what all workers pushed in the steps before this one is applied.
  [[nodiscard]] bool applied_before(std::uint64_t step) const;
  /// Whether rows may be read for a worker's step.
  [[nodiscard]] bool open(std::uint64_t step) const;
  /// Where the workers of a node leave what they push here, if that collects: sections. What comes
  /// from another node has each row once; a worker has part of its rows.
  [[nodiscard]] std::span<std::byte> mailbox(int node) const;
  /// Of a worker's last push: where its sections are in the mailbox of its node.
  [[nodiscard]] RowHeader& pushed(std::size_t worker) const;
  /// Where a worker of this node has room for its own, in the mailbox of this node.
  [[nodiscard]] std::size_t room_of(std::size_t worker) const;
  /// Of the workers of this node, by their parts.
  [[nodiscard]] RowGate gate() const {
    return RowGate{memory_.subspan(gate_, RowGate::bytes_needed(here_.size()))};
  }
  /// Pieces of a pass that is no training: every block of items for every strip of the node.
  [[nodiscard]] std::uint64_t units() const;
  [[nodiscard]] UnitCounter counter() const {
    return UnitCounter{memory_.subspan(units_, UnitCounter::kBytes)};
  }
  /// @param strip of the first table's blocks of this node
  [[nodiscard]] CellSums& sums(StripId strip, BlockId block) const;

 private:
  struct Place {
    RowRange rows;
    std::size_t stride = 0;
    std::size_t records = 0;
    std::size_t guards = 0;
    std::size_t pushes = 0;
  };

  RowNode(const RowLayout& layout, const RowJob& job, int node);
  [[nodiscard]] std::atomic<std::uint64_t>& counter(std::size_t n) const;
  [[nodiscard]] std::size_t room_of_first(std::span<const std::size_t> workers) const;
  [[nodiscard]] std::atomic<std::uint64_t>& guard(std::size_t table, std::uint64_t row) const;
  [[nodiscard]] std::uint32_t& pushes(std::size_t table, std::uint64_t row) const;
  void change(std::size_t table, std::uint64_t row, const float* mean, RowStep step) const;

  std::span<std::byte> memory_;
  const RowLayout& layout_;
  const RowJob& job_;
  int node_;
  std::vector<std::size_t> here_;         // workers
  std::vector<Place> places_;             // [table]
  std::vector<std::size_t> mailboxes_;    // [node], plus the end
  std::vector<RowOptimizer> optimizers_;  // [table]
  std::optional<SharedPulls> pulls_;
  std::size_t shared_pulls_ = 0;
  std::size_t counters_ = 0;
  std::size_t gate_ = 0;
  std::size_t units_ = 0;
  std::size_t sums_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace factorps::ps

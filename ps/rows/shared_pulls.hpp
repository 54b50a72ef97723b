/// Rows of other nodes that the workers of a node need for a step, asked for once for all of them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ps/rows/row_job.hpp"
#include "ps/rows/row_sections.hpp"

namespace factorps::ps {

/// Every rank of a node makes one over the same memory, as part of a RowNode; it owns nothing.
/// All-zero memory is the valid state before the first step.
///
/// Each worker lists what it needs (wish). When all have, each asks for the rows of its slice of
/// every table, which any of them needs, and puts them where all can read (open, deliver). That
/// there is memory for two steps is enough: a worker lists rows of step t + 2 when it has pushed
/// step t, so all of that is read before anybody has all lists of step t + 2.
class SharedPulls {
 public:
  [[nodiscard]] static std::size_t bytes_needed(const RowLayout& layout, const RowJob& job,
                                                int node);
  /// @param memory bytes_needed(), aligned to kAlignment
  SharedPulls(std::span<std::byte> memory, const RowLayout& layout, const RowJob& job, int node);

  [[nodiscard]] std::uint32_t workers() const noexcept { return workers_; }
  /// @param worker of this node, from 0 @param rows ascending, of other nodes, [table]
  void wish(std::uint32_t worker, std::uint64_t step,
            const std::vector<std::vector<std::uint64_t>>& rows) const;
  [[nodiscard]] bool all_wished(std::uint64_t step) const;

  /// Rows of a slice, and where their values go.
  struct Slice {
    int node = 0;
    std::size_t table = 0;
    std::span<const std::uint64_t> rows;
    std::byte* values = nullptr;
  };
  /// Writes down the rows that a worker is to ask for, each once, after all_wished().
  /// @param repeated is increased by the wishes for a row beyond the first
  [[nodiscard]] std::vector<Slice> open(std::uint32_t worker, std::uint64_t step,
                                        std::uint64_t& repeated) const;
  /// All values of the slices are there.
  void deliver(std::uint32_t worker, std::uint64_t step) const;
  [[nodiscard]] bool all_delivered(std::uint64_t step) const;
  /// What a worker has delivered: sections with values, of ascending rows.
  [[nodiscard]] std::vector<RowSection> delivered(std::uint32_t worker, std::uint64_t step) const;

 private:
  /// What a worker has done for a step.
  struct Slot {
    std::atomic<std::uint64_t> wished;     // the step, plus one
    std::atomic<std::uint64_t> delivered;  // the step, plus one
    std::uint64_t list_bytes;
    std::uint64_t offset;  // of its slices
    std::uint64_t bytes;
  };

  SharedPulls(const RowLayout& layout, const RowJob& job, int node);
  [[nodiscard]] Slot& slot(std::uint32_t worker, std::uint64_t step) const;
  template <class Clock>
  [[nodiscard]] bool all_of(std::uint64_t step, Clock&& clock) const;
  [[nodiscard]] std::size_t bytes_of_row(std::size_t table) const;
  /// What each worker needs, [worker][table].
  [[nodiscard]] std::vector<std::vector<RowSection>> lists(std::uint64_t step) const;
  [[nodiscard]] std::size_t begin_of(std::uint32_t worker,
                                     const std::vector<std::vector<RowSection>>& lists) const;

  std::span<std::byte> memory_;
  const RowLayout& layout_;
  int node_;
  std::uint32_t workers_;
  std::vector<std::vector<std::size_t>> lists_;  // [parity of the step][worker]
  std::size_t values_[2] = {0, 0};               // [parity]
  std::size_t slots_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace factorps::ps

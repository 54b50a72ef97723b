/// The tables of a node in its shared memory: user rows by strip, item rows by block, and the
/// counters that say whose turn it is.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "model/grid.hpp"
#include "model/kernels/sgd_kernel.hpp"

namespace factorps::ps {

/// What a pass leaves behind for one cell; what the numbers mean depends on the kind of pass.
using CellSums = std::array<double, 8>;

/// Every rank of a node makes one of these over the same memory; it owns nothing.
///
/// Memory order: whoever changes rows then releases the block's turn or the strip's progress;
/// whoever wants them acquires it first. All-zero memory is the valid state before pass 0.
class Tables {
 public:
  /// Bytes of memory that tables of this shape need.
  /// @param dim factors per row; rows are padded to a multiple of kRowMultiple
  [[nodiscard]] static std::size_t bytes_needed(const Grid& grid, std::size_t dim);

  /// @param memory bytes_needed() bytes, aligned to kAlignment; must outlive the object
  /// @param grid must outlive the object
  Tables(std::span<std::byte> memory, const Grid& grid, std::size_t dim);

  [[nodiscard]] const Grid& grid() const noexcept { return grid_; }
  [[nodiscard]] std::size_t dim() const noexcept { return dim_; }
  [[nodiscard]] RowsView strip(StripId strip) const;
  [[nodiscard]] RowsView block(BlockId block) const;
  /// Turns that the block has finished since the start of the job.
  [[nodiscard]] std::atomic<std::uint64_t>& turns(BlockId block) const;
  /// Twice the steps that the strip has finished since the start of the job, plus 1 while a
  /// worker holds it.
  [[nodiscard]] std::atomic<std::uint64_t>& progress(StripId strip) const;
  /// Written by the worker that holds the cell.
  [[nodiscard]] CellSums& sums(StripId strip, BlockId block) const;

 private:
  [[nodiscard]] RowsView rows(std::size_t offset, std::uint64_t count, std::uint64_t blank) const;

  std::span<std::byte> memory_;
  const Grid& grid_;
  std::size_t dim_;
  std::size_t stride_;
  std::vector<std::size_t> strip_offset_;  // [strip] bytes
  std::vector<std::size_t> block_offset_;  // [block] bytes
  std::size_t turns_offset_;
  std::size_t progress_offset_;
  std::size_t sums_offset_;
};

}  // namespace factorps::ps

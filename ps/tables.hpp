/// The tables of a node in its shared memory: user rows by strip, item rows by block, and the
/// counters that say whose turn it is.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/aligned_buffer.hpp"
#include "model/grid.hpp"
#include "model/kernels/sgd_kernel.hpp"
#include "ps/layout.hpp"

namespace factorps::ps {

/// Part `n` of `parts` of a range of rows.
[[nodiscard]] RowRange slice_of(RowRange rows, std::uint32_t n, std::uint32_t parts);

/// What a pass leaves behind for one cell; what the numbers mean depends on the kind of pass.
using CellSums = std::array<double, 8>;

/// Everything on one node.
[[nodiscard]] NodeShare whole_grid(const Grid& grid);

/// The turns of a block that is not on this node; no cell waits for this number.
inline constexpr std::uint64_t kAbsent = ~std::uint64_t{0};

/// Every rank of a node makes one of these over the same memory; it owns nothing.
///
/// Memory order: whoever changes rows then releases the block's turn or the strip's progress;
/// whoever wants them acquires it first. All-zero memory is the valid state before pass 0, except
/// that where blocks travel each must be put in its place or declared absent.
class Tables {
 public:
  /// Bytes of memory that tables of this shape need.
  /// @param dim factors per row; rows are padded to a multiple of kRowMultiple, with the columns
  /// behind the factors
  [[nodiscard]] static std::size_t bytes_needed(const Grid& grid, std::size_t dim, NodeShare share);

  /// @param memory bytes_needed() bytes, aligned to kAlignment; must outlive the object
  /// @param grid must outlive the object
  Tables(std::span<std::byte> memory, const Grid& grid, std::size_t dim, NodeShare share);

  [[nodiscard]] const Grid& grid() const noexcept { return grid_; }
  [[nodiscard]] std::size_t dim() const noexcept { return dim_; }
  [[nodiscard]] std::size_t stride() const noexcept { return stride_; }
  /// The factors of all rows of the node, one behind the other: of the users of its strips, then of
  /// its blocks or places.
  [[nodiscard]] float* factors() const noexcept { return reinterpret_cast<float*>(memory_.data()); }
  /// @param strip one of this node
  [[nodiscard]] RowsView strip(StripId strip) const;
  /// @param block one that is here
  [[nodiscard]] RowsView block(BlockId block) const;
  /// Where blocks travel: the rows of this block in a place, whatever is there now.
  [[nodiscard]] RowsView block_in_place(BlockId block, std::uint32_t place) const;
  /// Where blocks travel: says where block() finds it. To be released by its turns.
  void put(BlockId block, std::uint32_t place) const;
  /// Turns that the block has finished since the start of the job; kAbsent if it is elsewhere.
  /// Alternating least squares: pieces of it that were solved.
  [[nodiscard]] std::atomic<std::uint64_t>& turns(BlockId block) const;
  /// Twice the steps that the strip has finished since the start of the job, plus 1 while a
  /// worker holds it. Alternating least squares: pieces of it that were solved.
  [[nodiscard]] std::atomic<std::uint64_t>& progress(StripId strip) const;
  /// Written by the worker that holds the cell. @param strip one of this node
  [[nodiscard]] CellSums& sums(StripId strip, BlockId block) const;

  // Copies for checkpoints, if NodeShare says so.
  [[nodiscard]] bool has_copies() const noexcept { return share_.copies > 0; }
  /// Where blocks travel: says that the block is at home here, and has this place for its copy.
  void set_home(BlockId block, std::uint32_t place) const;
  [[nodiscard]] RowsView copy_of(StripId strip) const;
  [[nodiscard]] RowsView copy_of(BlockId block) const;
  /// The number of the newest cut that the copy belongs to; released after the copy.
  [[nodiscard]] std::atomic<std::uint64_t>& cut_of(StripId strip) const;
  [[nodiscard]] std::atomic<std::uint64_t>& cut_of(BlockId block) const;
  /// Copies strip and block, unless their copies belong to this cut or the block is at home
  /// elsewhere. For who may change them, before the first change after the cut.
  void copy_for_cut(StripId strip, BlockId block, std::uint64_t cut) const;
  void copy_for_cut(StripId strip, std::uint64_t cut) const;
  void copy_for_cut(BlockId block, std::uint64_t cut) const;

  // Where a pass pauses; ps/leases.hpp says how. Both count steps since the start of the job.
  /// Cells at or beyond it may not be leased, in this pass; 0 or of an earlier pass: none.
  [[nodiscard]] std::atomic<std::uint64_t>& hold() const;
  /// Cells at or beyond it are left out, in this pass; 0 or of an earlier pass: none.
  [[nodiscard]] std::atomic<std::uint64_t>& pause() const;

 private:
  /// Bytes from the start of the memory.
  struct RowsPlace {
    std::size_t factors = 0;
    std::size_t states = 0;
  };

  /// Where everything will lie; no memory yet.
  Tables(const Grid& grid, std::size_t dim, NodeShare share);
  /// Gives every range a piece of memory, one behind the other.
  static void lay_out(OffsetCursor& cursor, const std::vector<std::uint64_t>& rows,
                      std::size_t row_bytes, std::size_t RowsPlace::*piece,
                      std::vector<RowsPlace>& places);
  [[nodiscard]] RowsView rows(RowsPlace place, std::uint64_t count) const;
  [[nodiscard]] std::byte* counters_of(BlockId block) const;
  [[nodiscard]] std::byte* counters_of(StripId strip) const;
  [[nodiscard]] std::uint32_t copy_place(BlockId block) const;

  std::span<std::byte> memory_;
  const Grid& grid_;
  std::size_t dim_;
  std::size_t stride_;
  NodeShare share_;
  std::vector<RowsPlace> strips_;        // [strip - first of the node]
  std::vector<RowsPlace> places_;        // [place]
  std::vector<RowsPlace> strip_copies_;  // [strip - first of the node]
  std::vector<RowsPlace> block_copies_;  // [place of the copy]
  std::size_t blocks_offset_ = 0;
  std::size_t progress_offset_ = 0;
  std::size_t sums_offset_ = 0;
  std::size_t gate_offset_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace factorps::ps

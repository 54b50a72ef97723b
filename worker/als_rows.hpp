/// How a worker solves rows and adds up outer products, wherever the other rows come from.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "io/dataset.hpp"
#include "model/confidence.hpp"
#include "model/kernels/als_kernel.hpp"
#include "ps/als_tables.hpp"
#include "worker/work.hpp"

namespace factorps::worker {

/// What a worker must know of the configuration. Row p of n interactions gets the penalty
/// l2 (n + unobserved x rows of the other table)^exponent |p|^2 (Rendle et al. 2021); its bias the
/// same with l2_bias. Over known values unobserved is 0: with exponent 1, that of Zhou et al. 2008.
struct AlsOptions {
  AlsKernels kernels;
  decltype(Kernels::predict) predict = nullptr;  ///< to evaluate predicted values
  double l2_user = 0;
  double l2_item = 0;
  double l2_exponent = 1;
  double l2_bias = 0;
  double unobserved = 0.1;  ///< weight of every pair; 0 over known values
  double mu = 0;            ///< over known values: what is predicted besides the product of rows
  std::size_t block = 0;    ///< columns solved together; 0: all
  std::size_t cg_steps = 0;
  Confidence confidence;
  std::uint64_t rank_at = 0;  ///< K of ranking metrics
};

class AlsRows {
 public:
  /// References must outlive the object.
  AlsRows(const ps::AlsTables& tables, const Dataset& dataset, AlsOptions options);

  [[nodiscard]] const AlsOptions& options() const noexcept { return options_; }
  /// Lists the interactions of a strip or home block of the node: the strips come first.
  [[nodiscard]] Piece index(std::uint64_t unit) const;
  /// From now on the items are solved against users, whose Gram matrix is there.
  /// @param fixed what the lists of the rows count from
  void begin_items(const float* fixed);
  void begin_users(const float* fixed);
  /// Solves up to kAlsBatch rows.
  /// @param rows of the strip or block that the lists are of
  /// @return sum of w (<p, q> - t)^2 over all interactions of the rows, as they are then
  double solve(const RowsView& rows, RowRange batch, const ps::RowLists& lists);
  /// Predicts a cell of the part and measures the errors. @param items rows of the block
  [[nodiscard]] ps::CellSums errors(Part part, StripId strip, BlockId block, RowsView users,
                                    RowsView items);

 private:
  /// The rows of one table that are solved together, and what is known of the other one.
  struct Half {
    AlsProblem problem;
    double l2 = 0;
    double others = 0;  ///< rows with interactions in the other table
  };

  /// @param counts interactions of the rows that do not change
  /// @param columns of those that do
  [[nodiscard]] Half half(const float* fixed, const ps::GramSums& sums,
                          std::span<const std::uint32_t> counts, ps::BiasColumns columns,
                          double l2);
  [[nodiscard]] float number_of(float value) const;
  [[nodiscard]] AlsTask task_of(const RowsView& rows, std::uint64_t row,
                                const ps::RowLists& lists) const;

  const ps::AlsTables& tables_;
  const Dataset& dataset_;
  AlsOptions options_;
  Half half_;
  std::array<AlsTask, kAlsBatch> tasks_;
  AlignedBuffer<float> gram_;
  AlsWorkspace workspace_;
  std::vector<float> predictions_;
  std::vector<RowState> no_states_;  // biases stand in the rows
};

}  // namespace factorps::worker

/// Alternating least squares: the rows of one table, solved against a copy of the other one.
#pragma once

#include <cstdint>
#include <optional>
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

class AlsWork : public Work {
 public:
  /// References must outlive the object.
  AlsWork(const ps::AlsTables& tables, const Dataset& dataset, AlsOptions options);

  void begin(const comm::StartPass& pass) override;
  [[nodiscard]] std::optional<Piece> try_piece() override;
  [[nodiscard]] bool finished() const override { return counter_.finished(); }

 private:
  /// The rows of one table that are solved together, and what is known of the other one.
  struct Half {
    AlsProblem problem;
    double l2 = 0;
    double others = 0;  ///< rows with interactions in the other table
  };

  [[nodiscard]] Piece index(std::uint64_t unit) const;
  [[nodiscard]] Piece add_gram(std::uint64_t unit, const ps::GramSums& sums, const float* rows,
                               std::uint64_t count) const;
  /// @param counts interactions of the rows that do not change
  /// @param columns of those that do
  [[nodiscard]] Half half(const float* fixed, const ps::GramSums& sums,
                          std::span<const std::uint32_t> counts, ps::BiasColumns columns,
                          double l2);
  [[nodiscard]] float number_of(float value) const;
  [[nodiscard]] Piece solve_users(std::uint64_t unit);
  [[nodiscard]] Piece solve_items(std::uint64_t unit);
  [[nodiscard]] ps::CellSums solve(const RowsView& rows, RowRange slice, const ps::RowLists& lists);
  [[nodiscard]] AlsTask task_of(const RowsView& rows, std::uint64_t row,
                                const ps::RowLists& lists) const;
  [[nodiscard]] Piece rank(std::uint64_t unit) const;
  [[nodiscard]] Piece evaluate(std::uint64_t unit);

  const ps::AlsTables& tables_;
  const Dataset& dataset_;
  AlsOptions options_;
  ps::UnitCounter counter_;
  comm::StartPass pass_;
  Half half_;
  AlignedBuffer<float> gram_;
  AlsWorkspace workspace_;
  std::vector<float> predictions_;
  std::vector<RowState> no_states_;  // biases stand in the rows
};

}  // namespace factorps::worker

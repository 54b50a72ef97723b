/// Alternating least squares: the rows of one table, solved against a copy of the other one.
#pragma once

#include <cstdint>
#include <optional>

#include "io/dataset.hpp"
#include "ps/als_tables.hpp"
#include "worker/als_rows.hpp"
#include "worker/work.hpp"

namespace factorps::worker {

class AlsWork : public Work {
 public:
  /// References must outlive the object.
  AlsWork(const ps::AlsTables& tables, const Dataset& dataset, AlsOptions options);

  void begin(const comm::StartPass& pass) override;
  [[nodiscard]] std::optional<Piece> try_piece() override;
  [[nodiscard]] bool finished() const override { return counter_.finished(); }

 private:
  [[nodiscard]] Piece add_gram(std::uint64_t unit, const ps::GramSums& sums, const float* rows,
                               std::uint64_t count) const;
  [[nodiscard]] Piece solve_users(std::uint64_t unit);
  [[nodiscard]] Piece solve_items(std::uint64_t unit);
  [[nodiscard]] ps::CellSums solve(const RowsView& rows, RowRange slice, const ps::RowLists& lists);
  [[nodiscard]] Piece rank(std::uint64_t unit) const;
  [[nodiscard]] Piece evaluate(std::uint64_t unit);

  const ps::AlsTables& tables_;
  const Dataset& dataset_;
  AlsRows rows_;
  ps::UnitCounter counter_;
  comm::StartPass pass_;
};

}  // namespace factorps::worker

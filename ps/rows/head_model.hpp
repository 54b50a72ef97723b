/// Row mode's models over a user row and an item row: dot products and neural networks.
#pragma once

#include <memory>

#include "io/dataset.hpp"
#include "model/heads/head.hpp"
#include "ps/rows/row_model.hpp"

namespace factorps::ps {

/// Optimizers and frozen parts of the tables of a model.
struct RowSettings {
  std::uint64_t seed = 1;
  OptimizerOptions users;
  OptimizerOptions items;
  OptimizerOptions dense;
  bool users_frozen = false;
  bool items_frozen = false;
  bool dense_frozen = false;
};

/// Users, items, then a table for each tensor of dense parameters.
[[nodiscard]] std::vector<RowTable> head_tables(const HeadShape& shape, const Grid& grid,
                                                const RowSettings& settings);

/// Over head_tables(). Rows of users and items without training interactions are zero and stay so.
class HeadModel : public RowModel {
 public:
  /// @param dataset must outlive the object
  HeadModel(std::unique_ptr<Head> head, const Dataset& dataset, const RowSettings& settings);

  [[nodiscard]] const std::vector<RowTable>& tables() const override { return tables_; }
  void initialise(std::size_t table, std::uint64_t row, std::span<float> values) const override;
  void touch(const RowExamples& examples, TouchedTables& part, RowIndex& index) const override;
  double gradient(const RowExamples& examples, const RowIndex& index, TouchedTables& part) override;
  void score(const RowExamples& examples, const RowIndex& index, const TouchedTables& part,
             std::span<float> scores) override;
  [[nodiscard]] bool has_plain_form() const override { return head_->has_plain_form(); }
  void begin_export(const BlockReader& read) override;
  [[nodiscard]] PlainShape plain_shape() const override;
  void plain_rows(std::size_t table, std::uint32_t block, const BlockReader& read,
                  PlainRows& rows) override;

 private:
  void gather_dense(const TouchedTables& part);

  std::unique_ptr<Head> head_;
  const Dataset& dataset_;
  std::uint64_t seed_;
  std::vector<RowTable> tables_;
  std::vector<float> initial_dense_;
  std::vector<float> dense_;
  std::vector<float> dense_gradients_;
  std::vector<float> items_;  // of one user, to be scored
  HeadWorkspace workspace_;
};

}  // namespace factorps::ps

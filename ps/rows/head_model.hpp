/// Row mode's models over a user row and an item row: dot products and neural networks.
#pragma once

#include <memory>
#include <vector>

#include "io/dataset.hpp"
#include "model/heads/head.hpp"
#include "ps/rows/fused_start.hpp"
#include "ps/rows/row_model.hpp"
#include "ps/rows/row_settings.hpp"

namespace factorps::ps {

/// Users, items, then a table for each tensor of dense parameters.
[[nodiscard]] std::vector<RowTable> head_tables(const HeadShape& shape, const Grid& grid,
                                                const RowSettings& settings);

/// Over head_tables(). Rows of users and items without training interactions are zero and stay so.
class HeadModel : public RowModel {
 public:
  /// @param dataset must outlive the object
  HeadModel(std::unique_ptr<Head> head, const Dataset& dataset, const RowSettings& settings);

  [[nodiscard]] const std::vector<RowTable>& tables() const override { return tables_; }
  void initialise(std::size_t table, std::uint64_t row, std::span<float> values) override;
  void touch(const RowExamples& examples, TouchedTables& part, RowIndex& index) const override;
  double gradient(const RowExamples& examples, const RowIndex& index, TouchedTables& part) override;
  void score(const RowExamples& examples, const RowIndex& index, const TouchedTables& part,
             std::span<float> scores) override;
  void rank_items(const TouchedTables& items) override;
  void rank_users(const RowExamples& /*examples*/, const TouchedTables& users) override {
    ranked_users_ = &users;
  }
  void score_items(std::uint32_t user, std::size_t first, std::span<float> scores) override;
  [[nodiscard]] ModelInfo begin_export(const BlockReader& read) override;
  void model_rows(std::size_t table, std::uint32_t block, const BlockReader& read,
                  ModelRows& rows) override;

 private:
  void gather_dense(const TouchedTables& part);
  void begin_initial();
  void initialise_row(std::size_t table, std::uint64_t row, std::span<float> values) const;

  std::unique_ptr<Head> head_;
  const Dataset& dataset_;
  RowSettings settings_;
  std::vector<RowTable> tables_;
  std::unique_ptr<FusedStart> start_;  // once something was initialised, if pretrained
  std::vector<float> initial_dense_;   // once something was initialised
  std::vector<float> dense_;
  std::vector<float> dense_gradients_;
  std::vector<float> items_;  // of one user, to be scored
  const TouchedTables* ranked_items_ = nullptr;
  const TouchedTables* ranked_users_ = nullptr;
  HeadWorkspace workspace_;
};

}  // namespace factorps::ps

/// Row mode's factorization machine over ids and attributes of users and items.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/dataset.hpp"
#include "model/heads/factorization_machine.hpp"
#include "ps/rows/attribute_lists.hpp"
#include "ps/rows/row_model.hpp"
#include "ps/rows/row_settings.hpp"

namespace factorps::ps {

struct FmOptions {
  FactorizationMachine::Options machine;
  std::vector<std::string> user_attributes;
  std::vector<std::string> item_attributes;
  float offset = 0;  ///< w0 to start with
};

/// Tables: users and items (what their ids weigh), features (what values of attributes weigh, those
/// of users first) and offset. A row is a linear weight, then factors.
///
/// Features of users and items alone make a score a dot product: with S the sum of factors of the
/// features of a side, and its own score, w0 + own + own' + <S, S'>. So model.h5 is a plain model.
/// Ids without training interactions weigh nothing and stay so, as values of attributes that only
/// they have.
class FmModel final : public RowModel {
 public:
  /// @param dataset must outlive the object
  FmModel(const FmOptions& options, const Dataset& dataset, const RowSettings& settings);

  [[nodiscard]] const std::vector<RowTable>& tables() const override { return tables_; }
  void initialise(std::size_t table, std::uint64_t row, std::span<float> values) override;
  void touch(const RowExamples& examples, TouchedTables& part, RowIndex& index) const override;
  double gradient(const RowExamples& examples, const RowIndex& index, TouchedTables& part) override;
  void score(const RowExamples& examples, const RowIndex& index, const TouchedTables& part,
             std::span<float> scores) override;
  void rank_items(const TouchedTables& items) override;
  void rank_users(const TouchedTables& users) override { plain_rows(users, 0, ranked_users_); }
  void score_items(std::uint32_t user, std::size_t first, std::span<float> scores) override;
  [[nodiscard]] ModelInfo begin_export(const BlockReader& read) override;
  void model_rows(std::size_t table, std::uint32_t block, const BlockReader& read,
                  ModelRows& rows) override;

 private:
  /// The features of the touched rows of one side, numbered as their rows in `rows_`.
  struct Side {
    std::vector<std::uint32_t> begin;
    std::vector<std::uint32_t> features;
    std::vector<float> values;
  };
  [[nodiscard]] const AttributeLists& lists(std::size_t table) const {
    return table == 0 ? users_ : items_;
  }
  void gather(const TouchedTables& part);
  void list_side(const TouchedTables& part, std::size_t table, Side& side) const;
  [[nodiscard]] FactorizationBatch batch_of(const RowExamples& examples, const RowIndex& index);
  /// Sums of factors and own scores of all touched rows of one side.
  void plain_rows(const TouchedTables& part, std::size_t table, ModelRows& rows);
  [[nodiscard]] std::vector<AttributeFeature> exported(std::size_t table) const;

  FactorizationMachine machine_;
  std::size_t dim_;
  float offset_;
  const Dataset& dataset_;
  std::uint64_t seed_;
  AttributeLists users_;
  AttributeLists items_;
  std::vector<RowTable> tables_;
  std::vector<float> rows_;  // of users, items and features of a batch
  std::vector<float> gradients_;
  Side sides_[2];
  std::vector<FactorizationSide> batch_sides_;
  std::vector<float> features_;  // of all features, in an export
  float w0_ = 0;                 // of a ranking
  ModelRows ranked_items_;
  ModelRows ranked_users_;
  HeadWorkspace workspace_;
};

/// The tables of such a model. @param features all of both sides
[[nodiscard]] std::vector<RowTable> fm_tables(std::size_t dim, std::uint64_t features,
                                              const Grid& grid, const RowSettings& settings);

}  // namespace factorps::ps

/// Row mode's factorization machine over ids and attributes of users and items, moments and
/// histories.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "io/dataset.hpp"
#include "model/context.hpp"
#include "model/heads/factorization_machine.hpp"
#include "ps/rows/attribute_lists.hpp"
#include "ps/rows/row_model.hpp"
#include "ps/rows/row_settings.hpp"

namespace factorps::ps {

struct FmOptions {
  FactorizationMachine::Options machine;
  std::vector<std::string> user_attributes;
  std::vector<std::string> item_attributes;
  float offset = 0;                       ///< w0 to start with
  std::vector<ContextKind> context = {};  ///< distinct
  std::size_t history_items = 0;          ///< most of a set; 0: histories are no features
  float history_exponent = 0.5F;

  /// Rows of the table of contexts.
  [[nodiscard]] std::size_t contexts() const;
};

/// Tables: users and items (what their ids weigh), features (what values of attributes weigh, those
/// of users first) and offset; then, if they are features, context (what weekdays and so on weigh)
/// and history (what items weigh for who had them). A row is a linear weight, then factors. Users,
/// items, moments and histories are sides of their own, so that what each of them adds is computed
/// once per part of a mini-batch.
///
/// Features of users and items alone make a score a dot product: with S the sum of factors of the
/// features of a side, and its own score, w0 + own + own' + <S, S'>. So model.h5 is a plain model.
/// Ids without training interactions weigh nothing and stay so, as values of attributes that only
/// they have.
class FmModel final : public RowModel {
 public:
  /// @param dataset must outlive the object
  FmModel(const FmOptions& options, const Dataset& dataset, const RowSettings& settings);

  /// How many features have been summed up for gradients and scores, each once for its entity.
  [[nodiscard]] std::uint64_t features_added() const noexcept { return workspace_.features_added; }

  [[nodiscard]] const std::vector<RowTable>& tables() const override { return tables_; }
  void initialise(std::size_t table, std::uint64_t row, std::span<float> values) override;
  void touch(const RowExamples& examples, TouchedTables& part, RowIndex& index) const override;
  double gradient(const RowExamples& examples, const RowIndex& index, TouchedTables& part) override;
  void score(const RowExamples& examples, const RowIndex& index, const TouchedTables& part,
             std::span<float> scores) override;
  void rank_items(const TouchedTables& items) override;
  void rank_users(const RowExamples& examples, const TouchedTables& users) override;
  void score_items(std::uint32_t user, std::size_t first, std::span<float> scores) override;
  [[nodiscard]] ModelInfo begin_export(const BlockReader& read) override;
  void model_rows(std::size_t table, std::uint32_t block, const BlockReader& read,
                  ModelRows& rows) override;

 private:
  enum Tables : std::size_t { kUsers, kItems, kFeatures, kOffset };

  /// The features of the entities of one side, numbered as their rows in `rows_`.
  struct Side {
    std::vector<std::uint32_t> begin;
    std::vector<std::uint32_t> features;
    std::vector<float> values;
    std::vector<std::uint32_t> of_example;  // of moments

    void clear();
    void add(std::uint32_t feature, float value);
    void finish_entity() { begin.push_back(static_cast<std::uint32_t>(features.size())); }
    /// The features of an entity of another side as well.
    void add_all(const Side& other, std::size_t entity);
    [[nodiscard]] FeatureLists lists() const { return {begin, features, values}; }
  };
  [[nodiscard]] const AttributeLists& lists(std::size_t table) const {
    return table == 0 ? users_ : items_;
  }
  [[nodiscard]] bool trained(std::size_t table, std::uint64_t row);
  void find_trained_contexts();
  void gather(const RowExamples& examples, const TouchedTables& part);
  /// Number in `rows_` of a touched row.
  [[nodiscard]] std::uint32_t place(const TouchedTables& part, std::size_t table,
                                    std::uint64_t row) const;
  void list_side(const TouchedTables& part, std::size_t table, Side& side) const;
  void list_moments(const RowExamples& examples, const TouchedTables& part);
  void list_histories(const ItemSets& histories, const TouchedTables& part);
  [[nodiscard]] FactorizationBatch batch_of(const RowExamples& examples, const RowIndex& index);
  /// Sums of factors and own scores of all entities of one side.
  void plain_rows(const Side& side, ModelRows& rows) const;
  void read_all(std::size_t table, const BlockReader& read, std::vector<float>& values) const;
  /// All training items of the users of a strip as their histories.
  void list_exported_users(std::uint32_t strip, RowExamples& examples, TouchedTables& part);
  [[nodiscard]] std::vector<AttributeFeature> exported(std::size_t table) const;
  [[nodiscard]] std::vector<ContextFeature> exported_contexts(const BlockReader& read) const;

  FactorizationMachine machine_;
  FmOptions options_;
  std::size_t dim_;
  float offset_;
  const Dataset& dataset_;
  std::uint64_t seed_;
  AttributeLists users_;
  AttributeLists items_;
  std::vector<RowTable> tables_;
  std::vector<std::size_t> wide_;     // tables whose rows are of features
  std::size_t context_ = 0;           // table, if there is one
  std::size_t history_ = 0;           // table, if there is one
  std::vector<bool> with_context_;    // [row of context] whether the training has it
  std::vector<float> rows_;           // of a batch, of one table after the other
  std::vector<std::uint32_t> first_;  // [table] number of its first row in `rows_`
  std::vector<float> gradients_;
  Side sides_[2];
  Side moments_;
  Side histories_;
  std::vector<FactorizationSide> batch_sides_;
  std::vector<float> features_;  // of all features, in an export
  std::vector<float> had_;       // of all rows of history, in an export
  float w0_ = 0;                 // of a ranking
  ModelRows ranked_items_;
  ModelRows ranked_users_;
  HeadWorkspace workspace_;
};

/// The tables of such a model. @param features all of both sides
[[nodiscard]] std::vector<RowTable> fm_tables(const FmOptions& options, std::uint64_t features,
                                              const Grid& grid, const RowSettings& settings);
/// @throws DataError if features need times and the dataset has none
void check_moments(const FmOptions& options, const Dataset& dataset);

}  // namespace factorps::ps

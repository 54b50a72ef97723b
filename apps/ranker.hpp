/// What ranks the items of a dataset: a model, or a baseline.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "apps/attribute_rows.hpp"
#include "apps/dataset_fold_in.hpp"
#include "apps/moment_rows.hpp"
#include "apps/row_match.hpp"
#include "eval/scores.hpp"
#include "io/dataset.hpp"
#include "io/model_file.hpp"

namespace factorps::apps {

/// Scores of every item of a dataset for any of its users.
class Ranker {
 public:
  /// By the model; an item or user that it does not know has neither factors nor bias, but for
  /// what a factorization machine gives its attributes in the dataset.
  /// @param fold for users with histories; none: there are none
  Ranker(const Model& model, const RowMatch& match, const Dataset& dataset,
         const DatasetFoldIn* fold = nullptr);
  /// By the number of training interactions, the same for every user.
  explicit Ranker(const Dataset& dataset);
  /// By what a user has.
  explicit Ranker(std::unique_ptr<eval::Scorer> scorer) : scorer_{std::move(scorer)} {}

  [[nodiscard]] const eval::Scorer& scorer() const noexcept { return *scorer_; }
  /// The factors that the scores come from; none if they do not come from factors.
  [[nodiscard]] const eval::ItemTable* factors() const noexcept {
    return model_ == nullptr ? nullptr : &items_;
  }
  /// None: nobody is folded in.
  [[nodiscard]] const DatasetFoldIn* fold() const noexcept { return fold_; }
  /// Without `excluded` and `history`. @param user row of the dataset
  [[nodiscard]] eval::Query query(std::uint64_t user) const;
  /// The same of a user who was folded in. @param row must outlive the result
  [[nodiscard]] eval::Query query(const FoldedRow& row) const;
  /// Whether scores depend on when.
  [[nodiscard]] bool knows_moments() const {
    return model_ != nullptr && apps::knows_moments(*model_);
  }
  /// The row of a user in a moment, to be asked for as if folded in.
  [[nodiscard]] FoldedRow in_moment(const eval::Query& query, std::int64_t time) const;

 private:
  void copy_items(const Model& model, const RowMatch& match, std::uint64_t items);

  const Model* model_ = nullptr;
  const RowMatch* match_ = nullptr;
  const DatasetFoldIn* fold_ = nullptr;
  std::unique_ptr<eval::Scorer> scorer_;
  std::optional<AttributeRows> attributes_;  // if the model has features and other rows
  mutable std::map<std::uint64_t, PlainRow> by_attributes_;  // users that were asked for
  eval::ItemTable items_;
  // Rows of the dataset, where the model has others.
  std::vector<float> factors_;
  std::vector<float> bias_;
  std::vector<float> scale_;
  std::vector<float> offset_;
};

}  // namespace factorps::apps

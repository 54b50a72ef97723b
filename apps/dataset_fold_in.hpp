/// What users have who are known by their history alone.
#pragma once

#include <cstdint>
#include <vector>

#include "apps/fold_in.hpp"
#include "apps/row_match.hpp"
#include "io/dataset.hpp"
#include "io/model_file.hpp"

namespace factorps::apps {

/// Folds users of a dataset into a model. References must outlive the object.
class DatasetFoldIn {
 public:
  /// @param everybody whether users without a history in the part fold_in are folded in by their
  ///        training data, too, instead of taking their rows from the model
  DatasetFoldIn(const Model& model, const RowMatch& match, const Dataset& dataset, bool everybody)
      : model_{model}, match_{match}, dataset_{dataset}, everybody_{everybody}, fold_{model} {}

  [[nodiscard]] const ModelFoldIn& fold() const noexcept { return fold_; }

  /// The users of one strip.
  class Strip {
   public:
    /// The strip must have been verified (Dataset::verify).
    Strip(const DatasetFoldIn& fold, StripId strip);
    [[nodiscard]] bool holds(std::uint64_t user) const {
      return user >= users_.begin && user < users_.end;
    }
    /// Whether the row of the user comes from a history that the model knows an item of.
    [[nodiscard]] bool folds(std::uint64_t user) const {
      return !histories_[user - users_.begin].items.empty();
    }
    [[nodiscard]] FoldedRow row(std::uint64_t user) const;

   private:
    struct One {
      std::vector<std::uint32_t> items;  // of the model
      std::vector<float> values;         // in the units of its training
    };
    void collect(Part part, StripId strip, std::vector<One>& histories) const;

    const DatasetFoldIn& fold_;
    RowRange users_;
    std::vector<One> histories_;  // [user of the strip]
  };

 private:
  const Model& model_;
  const RowMatch& match_;
  const Dataset& dataset_;
  bool everybody_;
  ModelFoldIn fold_;
};

}  // namespace factorps::apps

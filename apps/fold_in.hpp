/// Rows of users who were not in the training, by what the model says of how it was trained.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "io/config.hpp"
#include "io/model_file.hpp"
#include "model/fold_in.hpp"

namespace factorps::apps {

/// The settings that a model was trained with; keys that say nothing of the training are defaults.
/// @throws DataError if the model does not hold them, or not as this version writes them
[[nodiscard]] Config trained_config(const Model& model);

/// The settings of ials. @throws DataError if the model was not trained by it
[[nodiscard]] AllPairsFoldIn::Settings all_pairs_settings(const Config& trained);

[[nodiscard]] FixedItems fixed_items(const Model& model);

/// Folds in by the loss that the model was trained with.
class ModelFoldIn {
 public:
  /// The model must outlive the object. @throws DataError if values were normalised by user: those
  /// of a new user cannot be brought to the units of the training
  explicit ModelFoldIn(const Model& model);

  /// Whether values of interactions matter.
  [[nodiscard]] bool needs_values() const noexcept { return needs_values_; }
  /// Whether values of one item add up, as events do; else the last one counts, as of ratings.
  [[nodiscard]] bool sums_values() const noexcept { return sums_values_; }
  /// For people: "least squares over all pairs", ...
  [[nodiscard]] const std::string& describe() const noexcept { return how_; }
  /// @param history with values in the units of the training
  [[nodiscard]] FoldedRow row(const History& history) const { return fold_->row(history); }

 private:
  bool needs_values_ = false;
  bool sums_values_ = false;
  std::string how_;
  std::unique_ptr<FoldIn> fold_;
};

}  // namespace factorps::apps

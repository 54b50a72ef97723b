/// Which items a user already has.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "apps/row_match.hpp"
#include "io/dataset.hpp"
#include "io/model_file.hpp"

namespace factorps::apps {

/// From the training data of a dataset if one is given, else from the model itself.
class SeenItems {
 public:
  /// @param dataset may be empty; the model must outlive this object
  /// @throws DataError if there is no dataset and the model does not hold what was seen
  SeenItems(const Model& model, const std::filesystem::path& dataset);

  /// Item rows of the model, ascending. @param user row of the model
  [[nodiscard]] std::span<const std::uint32_t> of(std::uint64_t user) const;

 private:
  void collect(const Dataset& dataset, const RowMatch& match);

  const Model* model_;
  std::vector<std::uint64_t> offsets_;  // [model user], plus the end; empty: the model knows
  std::vector<std::uint32_t> items_;
};

}  // namespace factorps::apps

/// Rows of users and items that a factorization machine knows by their attributes alone.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "io/dataset.hpp"
#include "io/model_file.hpp"
#include "model/heads/head.hpp"

namespace factorps::apps {

/// What the attributes of a dataset are worth by the features in a model. Its values are matched by
/// their texts; those that the model does not know count for nothing.
class AttributeRows {
 public:
  /// References must outlive the object. @param model of kind fm
  AttributeRows(const Model& model, const Dataset& dataset);

  /// @param row of the dataset @return nothing if none of its attributes has a feature
  [[nodiscard]] std::optional<PlainRow> user(std::uint64_t row) const { return plain(users_, row); }
  [[nodiscard]] std::optional<PlainRow> item(std::uint64_t row) const { return plain(items_, row); }
  /// Prediction in original units, not clipped. @param user, item rows of the dataset
  /// @param u, i those of the model that they are; none: by attributes
  /// @param moment if the model knows moments
  [[nodiscard]] float predict(std::uint64_t user, std::uint64_t item,
                              std::optional<std::uint64_t> u, std::optional<std::uint64_t> i,
                              std::optional<std::int64_t> moment) const;

 private:
  struct Known {
    const AttributeFeature* feature = nullptr;
    Attribute attribute;
    std::vector<std::uint32_t> codes;  // feature_of_code()
  };
  [[nodiscard]] std::optional<PlainRow> plain(const std::vector<Known>& known,
                                              std::uint64_t row) const;

  const Model& model_;
  std::size_t dim_;
  std::vector<Known> users_;
  std::vector<Known> items_;
};

}  // namespace factorps::apps

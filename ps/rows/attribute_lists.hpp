/// Attributes of the users and items of a dataset as features of a factorization machine.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "io/dataset.hpp"
#include "io/model_features.hpp"

namespace factorps::ps {

/// The features that every row of one side has by its attributes.
class AttributeLists {
 public:
  /// @param names of attributes of users, or of items @param first number of the first feature
  /// @throws ConfigError if the dataset has no such attribute
  AttributeLists(const Dataset& dataset, bool of_users, std::vector<std::string> names,
                 std::uint64_t first);

  /// Numbers of features, ascending; and what they count.
  [[nodiscard]] std::span<const std::uint32_t> features(std::uint64_t row) const {
    return std::span{features_}.subspan(begin_[row], begin_[row + 1] - begin_[row]);
  }
  [[nodiscard]] std::span<const float> values(std::uint64_t row) const {
    return std::span{values_}.subspan(begin_[row], begin_[row + 1] - begin_[row]);
  }
  /// Without rows. By name.
  [[nodiscard]] const std::vector<AttributeFeature>& attributes() const noexcept {
    return attributes_;
  }
  [[nodiscard]] std::uint64_t first() const noexcept { return first_; }
  [[nodiscard]] std::uint64_t end() const noexcept { return first_ + trained_.size(); }
  /// Whether a row with training interactions has the feature.
  [[nodiscard]] bool trained(std::uint64_t feature) const { return trained_[feature - first_]; }

 private:
  void add(const std::vector<Attribute>& attributes, std::span<const std::uint32_t> counts);

  std::uint64_t first_;
  std::vector<AttributeFeature> attributes_;
  std::vector<std::uint64_t> begin_;  // [row], plus the end
  std::vector<std::uint32_t> features_;
  std::vector<float> values_;
  std::vector<bool> trained_;  // [feature - first_]
};

}  // namespace factorps::ps

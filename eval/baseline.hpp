/// Predictors without a model, to judge models against.
#pragma once

#include <cstdint>
#include <vector>

namespace factorps::eval {

/// Predicts the mean of the training values of a row (a user or an item); the mean of all values
/// for a row without any.
class MeanPredictor {
 public:
  explicit MeanPredictor(std::uint64_t rows) : sum_(rows), count_(rows) {}

  /// @param value original units
  void add(std::uint64_t row, float value) {
    sum_.at(row) += double{value};
    ++count_.at(row);
  }
  /// Call after the last add(). @return original units; 0 if nothing was added
  [[nodiscard]] std::vector<float> means() const;

 private:
  std::vector<double> sum_;           // [row]
  std::vector<std::uint64_t> count_;  // [row]
};

}  // namespace factorps::eval

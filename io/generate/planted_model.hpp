/// The structure behind generated ratings.
#pragma once

#include <cstdint>
#include <vector>

#include "common/random.hpp"

namespace factorps {

/// 3.5 + b_u + b_i + p_u . q_i for one user after another; only the items' side is kept.
class PlantedModel {
 public:
  PlantedModel(std::uint64_t items, std::uint32_t dim, std::uint64_t seed);
  /// Makes `user` the current one.
  void select_user(std::uint64_t user);
  /// The rating without noise and range of the current user.
  [[nodiscard]] float rating(std::uint32_t item) const noexcept {
    const float* q = &item_factors_[std::size_t{item} * dim_];
    float sum = user_level_ + item_bias_[item];
    for (std::uint32_t f = 0; f < dim_; ++f) sum += user_factors_[f] * q[f];
    return sum;
  }

 private:
  std::uint32_t dim_;
  RandomStream random_;
  float factor_scale_;
  std::vector<float> item_bias_;     // [item]
  std::vector<float> item_factors_;  // [item x dim], and one more so that no row is past the end
  float user_level_ = 0;             // mean and bias
  std::vector<float> user_factors_;  // [dim]
};

}  // namespace factorps

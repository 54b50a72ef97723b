#include "io/generate/planted_model.hpp"

#include <algorithm>
#include <cmath>

#include "io/generate/columns.hpp"

namespace factorps {
namespace {

constexpr double kMean = 3.5;
constexpr double kBiasDeviation = 0.4;
constexpr double kFactorDeviation = 0.6;  // of p . q

}  // namespace

PlantedModel::PlantedModel(std::uint64_t items, std::uint32_t dim, std::uint64_t seed)
    : dim_{dim},
      random_{seed, Purpose::generate},
      // Entries N(0, s^2) on both sides: p . q has variance dim * s^4.
      factor_scale_{
          static_cast<float>(std::sqrt(kFactorDeviation / std::sqrt(std::max<double>(dim, 1))))},
      item_bias_(items),
      item_factors_(items * dim + 1),
      user_factors_(dim) {
  for (std::uint64_t i = 0; i < items; ++i) {
    item_bias_[i] = static_cast<float>(kBiasDeviation * random_.normal(i, columns::kItemBias));
    for (std::uint32_t f = 0; f < dim; ++f) {
      item_factors_[i * dim + f] =
          factor_scale_ * static_cast<float>(random_.normal(i, columns::kItemFactor + f));
    }
  }
}

void PlantedModel::select_user(std::uint64_t user) {
  user_level_ =
      static_cast<float>(kMean + kBiasDeviation * random_.normal(user, columns::kUserBias));
  for (std::uint32_t f = 0; f < dim_; ++f) {
    user_factors_[f] =
        factor_scale_ * static_cast<float>(random_.normal(user, columns::kUserFactor + f));
  }
}

}  // namespace factorps

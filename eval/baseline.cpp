#include "eval/baseline.hpp"

#include <numeric>

namespace factorps::eval {

std::vector<float> MeanPredictor::means() const {
  const double total = std::accumulate(sum_.begin(), sum_.end(), 0.0);
  const auto values = std::accumulate(count_.begin(), count_.end(), std::uint64_t{0});
  const double overall = values == 0 ? 0.0 : total / static_cast<double>(values);
  std::vector<float> means(sum_.size());
  for (std::size_t row = 0; row < means.size(); ++row) {
    means[row] = static_cast<float>(
        count_[row] == 0 ? overall : sum_[row] / static_cast<double>(count_[row]));
  }
  return means;
}

}  // namespace factorps::eval

#include "io/prepare/decay.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/check.hpp"

namespace factorps {

void decay_values(GroupedRows& data, double half_life_days) {
  const auto& times = data.rows.times;
  FACTORPS_CHECK(times.size() == data.size() && half_life_days > 0);
  std::int64_t latest = std::numeric_limits<std::int64_t>::min();
  for (std::size_t n = 0; n < data.size(); ++n) {
    if (data.parts[n] == Part::train) latest = std::max(latest, times[n]);
  }
  constexpr double kSecondsPerDay = 86400;
  const double half_life = half_life_days * kSecondsPerDay;
  for (std::size_t n = 0; n < data.size(); ++n) {
    if (data.parts[n] != Part::train) continue;
    const double age = static_cast<double>(latest) - static_cast<double>(times[n]);
    float& value = data.rows.values[n];
    value = static_cast<float>(double{value} * std::exp2(-age / half_life)) + 0.0F;  // -0 becomes 0
  }
}

}  // namespace factorps

#include "eval/spread.hpp"

#include <cmath>
#include <numeric>

#include "common/check.hpp"

namespace factorps::eval {

Spread spread_of(std::span<const double> values) {
  FACTORPS_CHECK(!values.empty());
  const auto n = static_cast<double>(values.size());
  Spread spread;
  spread.mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  if (values.size() == 1) return spread;
  double squares = 0;
  for (const double value : values) squares += (value - spread.mean) * (value - spread.mean);
  spread.standard_error = std::sqrt(squares / (n - 1) / n);
  return spread;
}

}  // namespace factorps::eval

/// Mean and uncertainty of a few results, such as those of the folds of a cross-validation.
#pragma once

#include <span>

namespace factorps::eval {

struct Spread {
  double mean = 0;
  double standard_error = 0;  ///< sample standard deviation / sqrt(n); 0 for one value
};

/// @param values at least one. Folds share training data, so their standard error is a little too
/// small as an uncertainty of the mean (Bengio, Grandvalet: "No unbiased estimator of the variance
/// of k-fold cross-validation", 2004).
[[nodiscard]] Spread spread_of(std::span<const double> values);

}  // namespace factorps::eval

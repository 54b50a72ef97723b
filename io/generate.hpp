/// Synthetic ratings with a known structure, to train on where no real data may go.
///
/// rating = 3.5 + b_u + b_i + p_u . q_i + noise, clipped to 0.5 ... 5 and rounded. The planted part
/// has standard deviations 0.4 (biases of users, of items) and 0.6 (factors), so with noise of 0.5
/// ratings spread by about 1, as real ones do. Users are active by a log-normal law, items popular
/// by a Zipf law, and nobody rates an item twice. Everything is a function of the options alone.
#pragma once

#include <cstdint>
#include <filesystem>

namespace factorps {

struct GenerateSettings {
  std::uint64_t users = 1000;
  std::uint64_t items = 500;
  std::uint64_t interactions = 50000;  ///< train and test together
  std::uint64_t seed = 1;
  std::uint32_t dim = 8;         ///< planted factors; 0: biases only
  double noise = 0.5;            ///< standard deviation
  double test_fraction = 0.1;    ///< probability of each rating to be in the test file
  bool half_stars = false;       ///< round to 0.5, 1.0 ... 5.0, else to thousandths
  std::filesystem::path prefix;  ///< of PREFIX.train.csv and PREFIX.test.csv
};

struct GenerateReport {
  std::uint64_t train_rows = 0;
  std::uint64_t test_rows = 0;
  double mean = 0;  ///< of all ratings as written
  double standard_deviation = 0;
  /// RMSE of the planted part (no noise, clipped to the range) against the test ratings as written.
  double noise_floor_rmse = 0;
};

/// Writes both files (header user,item,rating; users ascending) and gives them their names when
/// they are complete. Memory: about 4 * dim + 24 bytes per item and 8 per user.
/// @throws ConfigError if there are more interactions than half of all pairs, or fewer than users;
///         ResourceError if a file cannot be written
GenerateReport generate(const GenerateSettings& settings);

}  // namespace factorps

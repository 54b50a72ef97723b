/// Errors of predictions as partial sums that can be merged.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace factorps::eval {

/// Which side of an interaction the training data did not know.
enum class Cold : std::uint8_t { none, user, item, both };

[[nodiscard]] constexpr Cold cold_kind(bool user_is_cold, bool item_is_cold) noexcept {
  if (user_is_cold) return item_is_cold ? Cold::both : Cold::user;
  return item_is_cold ? Cold::item : Cold::none;
}

/// Sums over interactions, in original units. Add in logical order (strip by strip, block by block)
/// and merge in that order too: then the sums have the same bits on any number of ranks.
/// Trivially copyable, so it may travel as bytes.
struct ErrorSums {
  std::uint64_t count = 0;
  double squared = 0;
  double absolute = 0;
  double squared_clipped = 0;
  double absolute_clipped = 0;
  std::uint64_t cold_users = 0;  ///< interactions of which only the user is cold
  std::uint64_t cold_items = 0;  ///< only the item
  std::uint64_t cold_both = 0;

  /// @param low, high clipping range of predictions, original units
  void add(float prediction, float target, float low, float high, Cold cold) noexcept {
    const double error = double{prediction} - double{target};
    const double clipped = double{std::clamp(prediction, low, high)} - double{target};
    ++count;
    squared += error * error;
    absolute += std::abs(error);
    squared_clipped += clipped * clipped;
    absolute_clipped += std::abs(clipped);
    cold_users += cold == Cold::user ? 1U : 0U;
    cold_items += cold == Cold::item ? 1U : 0U;
    cold_both += cold == Cold::both ? 1U : 0U;
  }

  ErrorSums& operator+=(const ErrorSums& later) noexcept;
  friend bool operator==(const ErrorSums&, const ErrorSums&) = default;

  // All are 0 when nothing was added.
  [[nodiscard]] double rmse() const noexcept { return std::sqrt(mean(squared)); }
  [[nodiscard]] double mae() const noexcept { return mean(absolute); }
  [[nodiscard]] double rmse_clipped() const noexcept { return std::sqrt(mean(squared_clipped)); }
  [[nodiscard]] double mae_clipped() const noexcept { return mean(absolute_clipped); }

 private:
  [[nodiscard]] double mean(double sum) const noexcept {
    return count == 0 ? 0.0 : sum / static_cast<double>(count);
  }
};

}  // namespace factorps::eval

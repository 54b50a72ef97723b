/// What repeated measurements say: medians, intervals of their ratios, and where the time goes.
/// Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace factorps::scheduler {

/// The middle value, or the mean of the two in the middle. Not of nothing.
[[nodiscard]] double median(std::vector<double> values);

/// An estimate with its 95 % confidence interval; of a single measurement the ends are the value.
struct Estimate {
  double value = 0;
  double low = 0;
  double high = 0;
};

/// median(a) / median(b) with the percentile interval of 2000 bootstrap samples: both sides are
/// drawn anew, with replacement. A function of the values and the seed alone.
[[nodiscard]] Estimate ratio_of_medians(std::span<const double> a, std::span<const double> b,
                                        std::uint64_t seed);

/// One run, as the fit sees it.
struct FitPoint {
  double interactions = 0;  ///< of an epoch, all workers together
  int workers = 1;
  double bytes_per_node = 0;  ///< received in an epoch
  double seconds = 0;         ///< of an epoch
};

/// seconds = interactions * (serial + parallel / workers) + network * bytes_per_node
struct ScalingFit {
  double serial = 0;    ///< seconds per interaction that more workers do not shorten
  double parallel = 0;  ///< seconds per interaction of one worker that they do
  double network = 0;   ///< seconds per byte
  double residual = 0;  ///< root of the mean square of (measured - fitted) / measured

  [[nodiscard]] double seconds(const FitPoint& at) const noexcept;
  /// Amdahl's: of one worker's time without a network.
  [[nodiscard]] double serial_fraction() const noexcept;
  /// Of the fitted time there.
  [[nodiscard]] double network_share(const FitPoint& at) const noexcept;
};

/// Least squares of the relative errors, no term below zero. Nothing unless there are three
/// different combinations of workers and bytes, and two numbers of workers.
[[nodiscard]] std::optional<ScalingFit> fit_scaling(std::span<const FitPoint> points);

}  // namespace factorps::scheduler

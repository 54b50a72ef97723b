/// When to stop, and which epoch was the best.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>

namespace factorps::scheduler {

/// Watches one metric that should fall. The state belongs into checkpoints.
class EarlyStopping {
 public:
  struct State {
    std::optional<double> best;
    std::uint64_t best_epoch = 0;
    std::uint64_t without_improvement = 0;  ///< evaluations
  };

  /// @param patience evaluations without improvement before should_stop(); 0: never
  /// @param min_delta an improvement is a fall by more than this
  EarlyStopping(std::uint64_t patience, double min_delta)
      : patience_{patience}, min_delta_{min_delta} {}

  /// @return whether this is a new best; a metric that is not a number never is
  bool observe(std::uint64_t epoch, double metric) {
    const bool improved = improves(metric);
    if (improved) {
      state_ = {metric, epoch, 0};
    } else {
      ++state_.without_improvement;
    }
    return improved;
  }
  /// What observe() would return.
  [[nodiscard]] bool improves(double metric) const {
    return state_.best ? metric < *state_.best - min_delta_ : !std::isnan(metric);
  }
  [[nodiscard]] bool should_stop() const noexcept {
    return patience_ > 0 && state_.without_improvement >= patience_;
  }
  [[nodiscard]] const State& state() const noexcept { return state_; }
  void restore(const State& state) { state_ = state; }

 private:
  std::uint64_t patience_;
  double min_delta_;
  State state_;
};

}  // namespace factorps::scheduler

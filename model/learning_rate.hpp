/// Learning-rate schedules: the factor on the configured rates, epoch by epoch.
#pragma once

#include <cstdint>
#include <string>

namespace factorps {

enum class Schedule { constant, exponential, inverse_time, plateau, bold_driver };

/// @throws ConfigError for an unknown name
[[nodiscard]] Schedule schedule_from(const std::string& name);

/// What happened in an epoch, as far as schedules care.
struct EpochOutcome {
  double train_loss = 0;  ///< mean squared error before each update
  bool evaluated = false;
  bool improved = false;  ///< the validation metric; only if evaluated
};

/// A schedule and its state, which belongs into checkpoints.
///
///   constant      1
///   exponential   decay^e                    e = epochs done
///   inverse_time  1 / (1 + decay e)
///   plateau       times decay after each evaluation that did not improve
///   bold_driver   times 1.05 while the training loss falls, times decay when it rises
///                 (Battiti 1989)
class LearningRate {
 public:
  struct State {
    std::uint64_t epochs = 0;
    double factor = 1;
    double last_loss = 0;
  };

  LearningRate(Schedule schedule, double decay) : schedule_{schedule}, decay_{decay} {}

  [[nodiscard]] double factor() const noexcept { return state_.factor; }
  void advance(const EpochOutcome& outcome);
  [[nodiscard]] const State& state() const noexcept { return state_; }
  void restore(const State& state) noexcept { state_ = state; }

 private:
  Schedule schedule_;
  double decay_;
  State state_;
};

}  // namespace factorps

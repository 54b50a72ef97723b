#include "model/learning_rate.hpp"

#include <fmt/format.h>

#include "common/error.hpp"

namespace factorps {

Schedule schedule_from(const std::string& name) {
  if (name == "constant") return Schedule::constant;
  if (name == "exponential") return Schedule::exponential;
  if (name == "inverse_time") return Schedule::inverse_time;
  if (name == "plateau") return Schedule::plateau;
  if (name == "bold_driver") return Schedule::bold_driver;
  throw ConfigError{fmt::format("train.schedule = \"{}\": unknown schedule", name)};
}

void LearningRate::advance(const EpochOutcome& outcome) {
  ++state_.epochs;
  switch (schedule_) {
    case Schedule::constant:
      break;
    case Schedule::exponential:
      state_.factor *= decay_;
      break;
    case Schedule::inverse_time:
      state_.factor = 1.0 / (1.0 + decay_ * static_cast<double>(state_.epochs));
      break;
    case Schedule::plateau:
      if (outcome.evaluated && !outcome.improved) state_.factor *= decay_;
      break;
    case Schedule::bold_driver:
      if (state_.epochs > 1) {
        state_.factor *= outcome.train_loss <= state_.last_loss ? 1.05 : decay_;
      }
      break;
  }
  state_.last_loss = outcome.train_loss;
}

}  // namespace factorps

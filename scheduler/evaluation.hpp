/// What an evaluation found: errors of predicted values, or where held-out items rank.
#pragma once

#include <array>

#include <nlohmann/json_fwd.hpp>

#include "comm/messages.hpp"
#include "io/config.hpp"

namespace factorps::scheduler {

class Evaluation {
 public:
  using Sums = std::array<double, comm::kSumsPerStrip>;

  /// @param sums of a pass of kind_of(config)
  Evaluation(const Config& config, const Sums& sums);

  /// The pass that measures what evaluate.metric asks for.
  [[nodiscard]] static comm::PassKind kind_of(const Config& config);

  /// evaluate.metric.
  [[nodiscard]] double value() const noexcept { return value_; }
  /// The same, such that smaller is better.
  [[nodiscard]] double cost() const noexcept { return ranking_ ? -value_ : value_; }
  /// All metrics, with the protocol.
  [[nodiscard]] nlohmann::json record() const;

 private:
  bool ranking_;
  bool clip_;
  std::uint64_t k_ = 0;  // of ranking metrics
  Sums sums_;
  double value_ = 0;
};

}  // namespace factorps::scheduler

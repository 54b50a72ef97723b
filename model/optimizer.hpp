/// Optimizers of single rows, with their state beside the row: what servers of row mode apply.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "model/kernels/sgd_kernel.hpp"

namespace factorps {

/// Values are frozen: checkpoints name them.
enum class OptimizerKind : std::uint8_t {
  sgd = 0,
  momentum = 1,
  adagrad = 2,
  adagrad_row = 3,
  adam = 4,
  ftrl = 5
};

/// @throws ConfigError for an unknown name
[[nodiscard]] OptimizerKind optimizer_from(const std::string& name);
[[nodiscard]] std::string_view name_of(OptimizerKind kind) noexcept;

/// Of one table. With x the values of a row, `given` its gradient and rate = learning_rate x the
/// factor of the schedule, a step is, number by number,
///
///   g = given * min(1, clip_norm / |given|) + l2 x               (clip_norm 0: no clipping)
///   sgd          x -= rate g
///   momentum     v = momentum v + g            x -= rate v       (Polyak 1964)
///   adagrad      G += g^2                      x -= rate g / (sqrt(G) + epsilon)
///   adagrad_row  G += mean of g^2              the same, with one G for the row
///   adam         m = beta1 m + (1 - beta1) g   v = beta2 v + (1 - beta2) g^2   t += 1
///                x -= rate (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
///   ftrl         s = (sqrt(n + g^2) - sqrt(n)) / learning_rate   z += g - s x   n += g^2
///                x = 0 if |z| <= ftrl_l1, else
///                x = -(z - sign(z) ftrl_l1) / ((ftrl_beta + sqrt(n)) / learning_rate + ftrl_l2)
///
/// AdaGrad: Duchi, Hazan, Singer, "Adaptive subgradient methods", 2011. Adam: Kingma and Ba, "Adam:
/// a method for stochastic optimization", 2015, with m, v and t as they are where a row gets no
/// gradient; t counts the steps of the row. FTRL-proximal: McMahan et al., "Ad click prediction: a
/// view from the trenches", 2013, algorithm 1; its rates fall by themselves, number by number, and
/// its sums hold for one learning rate only, so it knows no schedule.
struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::sgd;
  float learning_rate = 0.01F;  ///< above 0
  float l2 = 0;                 ///< decays a row once per step that it is part of
  float clip_norm = 0;
  float momentum = 0.9F;
  float beta1 = 0.9F;  ///< below 1, as beta2
  float beta2 = 0.999F;
  float epsilon = 1e-8F;
  float ftrl_beta = 1;
  float ftrl_l1 = 0;
  float ftrl_l2 = 0;
};

/// Floats of state behind the `width` values of a row: nothing; v; G; one G; m, v, t; z, n.
[[nodiscard]] std::size_t state_width(const OptimizerOptions& options, std::size_t width) noexcept;

/// 1 / (1 - beta^t) for both betas; t >= 1.
struct BiasCorrection {
  float first;
  float second;
};
[[nodiscard]] BiasCorrection bias_correction(const OptimizerOptions& options, float t) noexcept;

/// Steps of the rows of one table. A record is one array of floats, [width values | state], at any
/// address; all that a row remembers is in it. Bits depend on the record, the gradient and the
/// options, not on the instruction set. Thread-safe, as long as threads step different rows.
class RowOptimizer {
 public:
  RowOptimizer(const OptimizerOptions& options, std::size_t width,
               InstructionSet set = best_kernels().set);

  [[nodiscard]] std::size_t width() const noexcept { return width_; }
  [[nodiscard]] std::size_t record_width() const noexcept {
    return width_ + state_width(options_, width_);
  }
  [[nodiscard]] const OptimizerOptions& options() const noexcept { return options_; }

  /// Sets the state of a row whose values stand: zeros, and for ftrl the z that belongs to x.
  void start(float* record) const;
  /// @param gradient [width] mean or sum, as the caller wants it
  /// @param rate_factor of the schedule; ftrl does not use it
  void step(float* record, const float* gradient, float rate_factor = 1) const {
    step_(options_, options_.learning_rate * rate_factor, record, width_, gradient);
  }
  /// More of the gradient of the row's last step: as if it had been part of it, but for squares,
  /// of which the parts' are added and not the sum's. So the parts of a step decay the row once,
  /// and v of momentum, m and v of adam.
  void add(float* record, const float* gradient, float rate_factor = 1) const {
    add_(options_of_more_, options_.learning_rate * rate_factor, record, width_, gradient);
  }
  /// More of the gradient of a step before the row's last one: a step without l2 that is not
  /// counted, nor decays v of adam. (Many of them would pile up in v of momentum and m of adam
  /// until the next step, if they were added.)
  void add_late(float* record, const float* gradient, float rate_factor = 1) const {
    add_late_(options_of_more_, options_.learning_rate * rate_factor, record, width_, gradient);
  }

 private:
  using StepRow = void (*)(const OptimizerOptions& options, float rate, float* record,
                           std::size_t width, const float* gradient);

  OptimizerOptions options_;
  OptimizerOptions options_of_more_;  // without l2
  std::size_t width_;
  StepRow step_;
  StepRow add_;
  StepRow add_late_;
};

}  // namespace factorps

#include <cmath>

#include "model/kernels/fold_sums.hpp"
#include "model/kernels/optimizer_kernel.hpp"

namespace factorps {
namespace {

/// Sum over columns of value(c)^2.
template <class Value>
float squares(std::size_t width, Value&& value) {
  return sum_of_terms(width, [&](std::size_t c) { return value(c) * value(c); });
}

/// g, column by column.
class Gradient {
 public:
  Gradient(const OptimizerOptions& options, const float* values, std::size_t width,
           const float* given)
      : values_{values}, given_{given}, l2_{options.l2} {
    if (options.clip_norm > 0) {
      factor_ = clip_factor(options, squares(width, [&](std::size_t c) { return given[c]; }));
    }
  }
  float operator()(std::size_t c) const { return given_[c] * factor_ + values_[c] * l2_; }

 private:
  const float* values_;
  const float* given_;
  float factor_ = 1;
  float l2_;
};

void sgd(const OptimizerOptions& options, float rate, float* x, std::size_t width,
         const float* given) {
  const Gradient g{options, x, width, given};
  for (std::size_t c = 0; c < width; ++c) x[c] -= rate * g(c);
}

void momentum(const OptimizerOptions& options, float rate, float* x, std::size_t width,
              const float* given) {
  const Gradient g{options, x, width, given};
  float* v = x + width;
  for (std::size_t c = 0; c < width; ++c) {
    v[c] = options.momentum * v[c] + g(c);
    x[c] -= rate * v[c];
  }
}

void add_momentum(const OptimizerOptions& options, float rate, float* x, std::size_t width,
                  const float* given) {
  const Gradient g{options, x, width, given};
  float* v = x + width;
  for (std::size_t c = 0; c < width; ++c) {
    const float more = g(c);
    v[c] += more;
    x[c] -= rate * more;
  }
}

void adagrad(const OptimizerOptions& options, float rate, float* x, std::size_t width,
             const float* given) {
  const Gradient g{options, x, width, given};
  float* sums = x + width;
  for (std::size_t c = 0; c < width; ++c) {
    const float now = g(c);
    sums[c] += now * now;
    x[c] -= rate * now / (std::sqrt(sums[c]) + options.epsilon);
  }
}

void adagrad_row(const OptimizerOptions& options, float rate, float* x, std::size_t width,
                 const float* given) {
  const Gradient g{options, x, width, given};
  x[width] += squares(width, g) / static_cast<float>(width);
  const float scale = rate / (std::sqrt(x[width]) + options.epsilon);
  for (std::size_t c = 0; c < width; ++c) x[c] -= scale * g(c);
}

void adam(const OptimizerOptions& options, float rate, float* x, std::size_t width,
          const float* given) {
  const Gradient g{options, x, width, given};
  float* m = x + width;
  float* v = m + width;
  float& t = v[width];
  t += 1;
  const BiasCorrection correction = bias_correction(options, t);
  for (std::size_t c = 0; c < width; ++c) {
    const float now = g(c);
    m[c] = options.beta1 * m[c] + (1 - options.beta1) * now;
    v[c] = options.beta2 * v[c] + (1 - options.beta2) * (now * now);
    x[c] -=
        rate * (m[c] * correction.first) / (std::sqrt(v[c] * correction.second) + options.epsilon);
  }
}

void add_adam(const OptimizerOptions& options, float rate, float* x, std::size_t width,
              const float* given) {
  const Gradient g{options, x, width, given};
  float* m = x + width;
  float* v = m + width;
  const BiasCorrection correction = bias_correction(options, v[width]);
  const auto change = [&](std::size_t c) {
    return rate * (m[c] * correction.first) /
           (std::sqrt(v[c] * correction.second) + options.epsilon);
  };
  for (std::size_t c = 0; c < width; ++c) {
    const float more = g(c);
    const float before = change(c);
    m[c] += (1 - options.beta1) * more;
    v[c] += (1 - options.beta2) * (more * more);
    x[c] -= change(c) - before;
  }
}

void late_adam(const OptimizerOptions& options, float rate, float* x, std::size_t width,
               const float* given) {
  const Gradient g{options, x, width, given};
  float* m = x + width;
  float* v = m + width;
  const BiasCorrection correction = bias_correction(options, v[width]);
  for (std::size_t c = 0; c < width; ++c) {
    const float now = g(c);
    m[c] = options.beta1 * m[c] + (1 - options.beta1) * now;
    v[c] += (1 - options.beta2) * (now * now);
    x[c] -=
        rate * (m[c] * correction.first) / (std::sqrt(v[c] * correction.second) + options.epsilon);
  }
}

void ftrl(const OptimizerOptions& options, float, float* x, std::size_t width, const float* given) {
  const Gradient g{options, x, width, given};
  const float alpha = options.learning_rate;
  float* z = x + width;
  float* n = z + width;
  for (std::size_t c = 0; c < width; ++c) {
    const float now = g(c);
    const float before = std::sqrt(n[c]);
    n[c] += now * now;
    const float root = std::sqrt(n[c]);
    z[c] += now - (root - before) / alpha * x[c];
    const float curvature = (options.ftrl_beta + root) / alpha + options.ftrl_l2;
    const float beyond = std::copysign(options.ftrl_l1, z[c]) - z[c];
    x[c] = std::abs(z[c]) > options.ftrl_l1 ? beyond / curvature : 0.0F;
  }
}

}  // namespace

float clip_factor(const OptimizerOptions& options, float squares) noexcept {
  const float norm = std::sqrt(squares);
  return norm > options.clip_norm ? options.clip_norm / norm : 1.0F;
}

RowSteps row_steps_reference(OptimizerKind kind) {
  constexpr RowSteps kSteps[] = {{&sgd, &sgd, &sgd},
                                 {&momentum, &add_momentum, &momentum},
                                 {&adagrad, &adagrad, &adagrad},
                                 {&adagrad_row, &adagrad_row, &adagrad_row},
                                 {&adam, &add_adam, &late_adam},
                                 {&ftrl, &ftrl, &ftrl}};
  return kSteps[static_cast<std::size_t>(kind)];
}

}  // namespace factorps

#include "model/kernels/optimizer_kernel.hpp"

// Highway compiles this file once per instruction set. Older CPUs get the reference kernels.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "model/kernels/optimizer_kernel.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#if HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
#include "model/kernels/columns-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace factorps {
namespace HWY_NAMESPACE {

/// Sum over columns of value(tag, c)^2.
template <class Value>
HWY_INLINE float squares(std::size_t width, Value&& value) {
  return sum_of_columns(width, [&](auto d, std::size_t c) FACTORPS_LAMBDA {
    const auto x = value(d, c);
    return hn::Mul(x, x);
  });
}

/// g, some columns at a time.
class Gradient {
 public:
  HWY_INLINE Gradient(const OptimizerOptions& options, const float* values, std::size_t width,
                      const float* given)
      : values_{values}, given_{given}, l2_{options.l2} {
    if (options.clip_norm > 0) {
      const auto load = [&](auto d, std::size_t c)
                            FACTORPS_LAMBDA { return hn::LoadU(d, given + c); };
      factor_ = clip_factor(options, squares(width, load));
    }
  }
  template <class D>
  HWY_INLINE hn::Vec<D> operator()(D d, std::size_t c) const {
    return hn::Add(hn::Mul(hn::LoadU(d, given_ + c), hn::Set(d, factor_)),
                   hn::Mul(hn::LoadU(d, values_ + c), hn::Set(d, l2_)));
  }

 private:
  const float* values_;
  const float* given_;
  float factor_ = 1;
  float l2_;
};

/// x[c] -= change
template <class D>
HWY_INLINE void take_off(D d, hn::Vec<D> change, float* x) {
  hn::StoreU(hn::Sub(hn::LoadU(d, x), change), d, x);
}

void sgd(const OptimizerOptions& options, float rate, float* x, std::size_t width,
         const float* given) {
  const Gradient g{options, x, width, given};
  for_columns(width, [&](auto d, std::size_t c) FACTORPS_LAMBDA {
    take_off(d, hn::Mul(hn::Set(d, rate), g(d, c)), x + c);
  });
}

void momentum(const OptimizerOptions& options, float rate, float* x, std::size_t width,
              const float* given) {
  const Gradient g{options, x, width, given};
  float* sums = x + width;
  for_columns(width, [&](auto d, std::size_t c) FACTORPS_LAMBDA {
    const auto old = hn::Mul(hn::Set(d, options.momentum), hn::LoadU(d, sums + c));
    const auto v = hn::Add(old, g(d, c));
    hn::StoreU(v, d, sums + c);
    take_off(d, hn::Mul(hn::Set(d, rate), v), x + c);
  });
}

void add_momentum(const OptimizerOptions& options, float rate, float* x, std::size_t width,
                  const float* given) {
  const Gradient g{options, x, width, given};
  float* sums = x + width;
  for_columns(width, [&](auto d, std::size_t c) FACTORPS_LAMBDA {
    const auto more = g(d, c);
    hn::StoreU(hn::Add(hn::LoadU(d, sums + c), more), d, sums + c);
    take_off(d, hn::Mul(hn::Set(d, rate), more), x + c);
  });
}

void adagrad(const OptimizerOptions& options, float rate, float* x, std::size_t width,
             const float* given) {
  const Gradient g{options, x, width, given};
  float* sums = x + width;
  for_columns(width, [&](auto d, std::size_t c) FACTORPS_LAMBDA {
    const auto now = g(d, c);
    const auto sum = hn::Add(hn::LoadU(d, sums + c), hn::Mul(now, now));
    hn::StoreU(sum, d, sums + c);
    const auto scale = hn::Add(hn::Sqrt(sum), hn::Set(d, options.epsilon));
    take_off(d, hn::Div(hn::Mul(hn::Set(d, rate), now), scale), x + c);
  });
}

void adagrad_row(const OptimizerOptions& options, float rate, float* x, std::size_t width,
                 const float* given) {
  const Gradient g{options, x, width, given};
  float& sum = x[width];
  sum += squares(width, g) / static_cast<float>(width);
  const float root = hn::GetLane(hn::Sqrt(hn::Set(One(), sum)));
  const float scale = rate / (root + options.epsilon);
  for_columns(width, [&](auto d, std::size_t c) FACTORPS_LAMBDA {
    take_off(d, hn::Mul(hn::Set(d, scale), g(d, c)), x + c);
  });
}

void adam(const OptimizerOptions& options, float rate, float* x, std::size_t width,
          const float* given) {
  const Gradient g{options, x, width, given};
  float* first = x + width;
  float* second = first + width;
  second[width] += 1;
  const BiasCorrection correction = bias_correction(options, second[width]);
  const float rest1 = 1 - options.beta1;
  const float rest2 = 1 - options.beta2;
  for_columns(width, [&](auto d, std::size_t c) FACTORPS_LAMBDA {
    const auto now = g(d, c);
    const auto m = hn::Add(hn::Mul(hn::Set(d, options.beta1), hn::LoadU(d, first + c)),
                           hn::Mul(hn::Set(d, rest1), now));
    const auto v = hn::Add(hn::Mul(hn::Set(d, options.beta2), hn::LoadU(d, second + c)),
                           hn::Mul(hn::Set(d, rest2), hn::Mul(now, now)));
    hn::StoreU(m, d, first + c);
    hn::StoreU(v, d, second + c);
    const auto up = hn::Mul(hn::Set(d, rate), hn::Mul(m, hn::Set(d, correction.first)));
    const auto down =
        hn::Add(hn::Sqrt(hn::Mul(v, hn::Set(d, correction.second))), hn::Set(d, options.epsilon));
    take_off(d, hn::Div(up, down), x + c);
  });
}

void add_adam(const OptimizerOptions& options, float rate, float* x, std::size_t width,
              const float* given) {
  const Gradient g{options, x, width, given};
  float* first = x + width;
  float* second = first + width;
  const BiasCorrection correction = bias_correction(options, second[width]);
  const float rest1 = 1 - options.beta1;
  const float rest2 = 1 - options.beta2;
  for_columns(width, [&](auto d, std::size_t c) FACTORPS_LAMBDA {
    const auto change = [&](auto m, auto v) FACTORPS_LAMBDA {
      const auto up = hn::Mul(hn::Set(d, rate), hn::Mul(m, hn::Set(d, correction.first)));
      const auto down =
          hn::Add(hn::Sqrt(hn::Mul(v, hn::Set(d, correction.second))), hn::Set(d, options.epsilon));
      return hn::Div(up, down);
    };
    const auto more = g(d, c);
    const auto old_m = hn::LoadU(d, first + c);
    const auto old_v = hn::LoadU(d, second + c);
    const auto m = hn::Add(old_m, hn::Mul(hn::Set(d, rest1), more));
    const auto v = hn::Add(old_v, hn::Mul(hn::Set(d, rest2), hn::Mul(more, more)));
    hn::StoreU(m, d, first + c);
    hn::StoreU(v, d, second + c);
    take_off(d, hn::Sub(change(m, v), change(old_m, old_v)), x + c);
  });
}

void late_adam(const OptimizerOptions& options, float rate, float* x, std::size_t width,
               const float* given) {
  const Gradient g{options, x, width, given};
  float* first = x + width;
  float* second = first + width;
  const BiasCorrection correction = bias_correction(options, second[width]);
  const float rest1 = 1 - options.beta1;
  const float rest2 = 1 - options.beta2;
  for_columns(width, [&](auto d, std::size_t c) FACTORPS_LAMBDA {
    const auto now = g(d, c);
    const auto m = hn::Add(hn::Mul(hn::Set(d, options.beta1), hn::LoadU(d, first + c)),
                           hn::Mul(hn::Set(d, rest1), now));
    const auto v = hn::Add(hn::LoadU(d, second + c), hn::Mul(hn::Set(d, rest2), hn::Mul(now, now)));
    hn::StoreU(m, d, first + c);
    hn::StoreU(v, d, second + c);
    const auto up = hn::Mul(hn::Set(d, rate), hn::Mul(m, hn::Set(d, correction.first)));
    const auto down =
        hn::Add(hn::Sqrt(hn::Mul(v, hn::Set(d, correction.second))), hn::Set(d, options.epsilon));
    take_off(d, hn::Div(up, down), x + c);
  });
}

void ftrl(const OptimizerOptions& options, float, float* x, std::size_t width, const float* given) {
  const Gradient g{options, x, width, given};
  float* sums = x + width;
  float* squared = sums + width;
  for_columns(width, [&](auto d, std::size_t c) FACTORPS_LAMBDA {
    const auto alpha = hn::Set(d, options.learning_rate);
    const auto l1 = hn::Set(d, options.ftrl_l1);
    const auto now = g(d, c);
    const auto old = hn::LoadU(d, squared + c);
    const auto n = hn::Add(old, hn::Mul(now, now));
    const auto root = hn::Sqrt(n);
    const auto drift = hn::Mul(hn::Div(hn::Sub(root, hn::Sqrt(old)), alpha), hn::LoadU(d, x + c));
    const auto z = hn::Add(hn::LoadU(d, sums + c), hn::Sub(now, drift));
    hn::StoreU(n, d, squared + c);
    hn::StoreU(z, d, sums + c);
    const auto curvature = hn::Add(hn::Div(hn::Add(hn::Set(d, options.ftrl_beta), root), alpha),
                                   hn::Set(d, options.ftrl_l2));
    const auto value = hn::Div(hn::Sub(hn::CopySign(l1, z), z), curvature);
    hn::StoreU(hn::IfThenElseZero(hn::Gt(hn::Abs(z), l1), value), d, x + c);
  });
}

RowSteps row_steps(OptimizerKind kind) {
  constexpr RowSteps kSteps[] = {{&sgd, &sgd, &sgd},
                                 {&momentum, &add_momentum, &momentum},
                                 {&adagrad, &adagrad, &adagrad},
                                 {&adagrad_row, &adagrad_row, &adagrad_row},
                                 {&adam, &add_adam, &late_adam},
                                 {&ftrl, &ftrl, &ftrl}};
  return kSteps[static_cast<std::size_t>(kind)];
}

}  // namespace HWY_NAMESPACE
}  // namespace factorps
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
#include "model/kernels/dispatch.hpp"

namespace factorps {

RowSteps row_steps_of(InstructionSet set, OptimizerKind kind) {
  FACTORPS_RETURN_FOR(set, row_steps(kind));
  return row_steps_reference(kind);
}

}  // namespace factorps
#endif

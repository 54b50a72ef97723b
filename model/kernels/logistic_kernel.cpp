#include "model/kernels/logistic_kernel.hpp"

// Highway compiles this file once per instruction set. Older CPUs get plain loops.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "model/kernels/logistic_kernel.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#if HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
HWY_BEFORE_NAMESPACE();
namespace factorps {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using namespace detail;

using Doubles = hn::ScalableTag<double>;
using Vec = hn::Vec<Doubles>;

HWY_INLINE Vec all(double x) { return hn::Set(Doubles(), x); }

HWY_INLINE Vec power_of_two(Vec n) {
  const hn::RebindToUnsigned<Doubles> bits;
  // The last bits of the sum are those of n in two's complement.
  const auto exponent = hn::Add(hn::BitCast(bits, hn::Add(n, all(0x1.8p52))), hn::Set(bits, 1023));
  return hn::BitCast(Doubles(), hn::ShiftLeft<52>(exponent));
}

HWY_INLINE Vec exp_of_negatives(Vec x) {
  const Vec n = hn::Floor(hn::Add(hn::Mul(x, all(kLog2E)), all(0.5)));
  const Vec r = hn::Sub(hn::Sub(x, hn::Mul(n, all(kLn2High))), hn::Mul(n, all(kLn2Low)));
  Vec sum = all(kInverseFactorials.back());
  for (std::size_t k = kInverseFactorials.size() - 1; k-- > 0;) {
    sum = hn::Add(all(kInverseFactorials[k]), hn::Mul(sum, r));
  }
  return hn::IfThenZeroElse(hn::Le(x, all(kLeastExponent)), hn::Mul(sum, power_of_two(n)));
}

HWY_INLINE Vec log_one_plus(Vec y) {
  const Vec s = hn::Div(y, hn::Add(all(2), y));
  const Vec square = hn::Mul(s, s);
  Vec sum = hn::Zero(Doubles());
  for (std::size_t k = kInverseOdds.size(); k-- > 0;) {
    sum = hn::Add(hn::Mul(sum, square), all(kInverseOdds[k]));
  }
  return hn::Mul(hn::Mul(all(2), s), sum);
}

void evaluate(const double* x, std::size_t size, double* sigmoids, double* softpluses) {
  const Doubles d;
  std::size_t n = 0;
  for (; n + hn::Lanes(d) <= size; n += hn::Lanes(d)) {
    const Vec some = hn::LoadU(d, x + n);
    const Vec e = exp_of_negatives(hn::Neg(hn::Abs(some)));
    const Vec above = hn::IfThenElse(hn::Ge(some, hn::Zero(d)), all(1), e);
    hn::StoreU(hn::Div(above, hn::Add(all(1), e)), d, sigmoids + n);
    const Vec positive = hn::IfThenElseZero(hn::Gt(some, hn::Zero(d)), some);
    hn::StoreU(hn::Add(positive, log_one_plus(e)), d, softpluses + n);
  }
  for (; n < size; ++n) {
    sigmoids[n] = sigmoid(x[n]);
    softpluses[n] = softplus(x[n]);
  }
}

LogisticKernels logistic_kernels() { return {&evaluate}; }

}  // namespace HWY_NAMESPACE
}  // namespace factorps
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
#include <bit>
#include <cmath>
#include <cstdint>

#include "model/kernels/dispatch.hpp"

namespace factorps {
namespace {

using namespace detail;

/// 2^n for n > -1023
double power_of_two(std::int64_t n) {
  return std::bit_cast<double>(static_cast<std::uint64_t>(n + 1023) << 52);
}

/// log(1 + y) for y in [0, 1]: 2 artanh(s) with s = y / (2 + y) <= 1/3, by its series; what is left
/// out is below s^39 / 39, i.e. 1e-19 s.
double log_one_plus(double y) {
  const double s = y / (2 + y);
  const double square = s * s;
  double sum = 0;
  for (std::size_t k = kInverseOdds.size(); k-- > 0;) sum = sum * square + kInverseOdds[k];
  return 2 * s * sum;
}

}  // namespace

double exp_of_negative(double x) noexcept {
  if (!(x > kLeastExponent)) return x <= kLeastExponent ? 0 : x;
  const double n = std::floor(x * kLog2E + 0.5);
  const double r = x - n * kLn2High - n * kLn2Low;  // |r| <= ln 2 / 2
  double sum = kInverseFactorials.back();           // Taylor; r^15 / 15! is below 1e-19
  for (std::size_t k = kInverseFactorials.size() - 1; k-- > 0;) {
    sum = kInverseFactorials[k] + sum * r;
  }
  return sum * power_of_two(static_cast<std::int64_t>(n));
}

double sigmoid(double x) noexcept {
  const double e = exp_of_negative(-std::abs(x));
  return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}

double softplus(double x) noexcept {
  return (x > 0 ? x : 0) + log_one_plus(exp_of_negative(-std::abs(x)));
}

LogisticKernels logistic_kernels_of(InstructionSet set) {
  FACTORPS_RETURN_FOR(set, logistic_kernels());
  return {[](const double* x, std::size_t size, double* sigmoids, double* softpluses) {
    for (std::size_t n = 0; n < size; ++n) {
      sigmoids[n] = sigmoid(x[n]);
      softpluses[n] = softplus(x[n]);
    }
  }};
}

const LogisticKernels& logistic_kernels() { return of_best<logistic_kernels_of>(); }

}  // namespace factorps
#endif

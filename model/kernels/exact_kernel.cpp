#include "model/kernels/exact_kernel.hpp"

#include "common/exact_sum.hpp"

// Highway compiles this file once per instruction set. Older CPUs get plain loops.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "model/kernels/exact_kernel.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#if HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
#include "model/kernels/lanes-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace factorps {
namespace HWY_NAMESPACE {

using DoubleTag = hn::CappedTag<double, kLanes / 2>;
using HalfTag = hn::Rebind<float, DoubleTag>;
using DoubleVec = hn::Vec<DoubleTag>;
constexpr std::size_t kDoubles = kLanes / 2;

HWY_INLINE DoubleVec quanta(const float* terms) {
  const DoubleTag d;
  const DoubleVec shift = hn::Set(d, kExactShift);
  const DoubleVec x = hn::PromoteTo(d, hn::LoadU(HalfTag(), terms));
  return hn::Sub(hn::Add(x, shift), shift);
}

HWY_INLINE void store_mean(DoubleVec sum, double scale, float* mean) {
  const DoubleVec scaled = hn::Mul(sum, hn::Set(DoubleTag(), scale));
  hn::StoreU(hn::DemoteTo(HalfTag(), scaled), HalfTag(), mean);
}

bool can_add(const float* terms, std::size_t size) {
  const RowTag d;
  const RowVec bound = hn::Set(d, kExactTerm);
  std::size_t n = 0;
  auto all = hn::Lt(hn::Zero(d), bound);
  for (; n + kLanes <= size; n += kLanes) {
    all = hn::And(all, hn::Lt(hn::Abs(hn::LoadU(d, terms + n)), bound));
  }
  return hn::AllTrue(d, all) && can_add_exactly(terms + n, size - n);
}

void add(const float* terms, std::size_t size, double* sum) {
  const DoubleTag d;
  std::size_t n = 0;
  for (; n + kDoubles <= size; n += kDoubles) {
    hn::StoreU(hn::Add(hn::LoadU(d, sum + n), quanta(terms + n)), d, sum + n);
  }
  add_exactly(terms + n, size - n, sum + n);
}

void mean_of_sum(const double* sum, std::size_t size, double scale, float* mean) {
  std::size_t n = 0;
  for (; n + kDoubles <= size; n += kDoubles) {
    store_mean(hn::LoadU(DoubleTag(), sum + n), scale, mean + n);
  }
  mean_exactly(sum + n, size - n, scale, mean + n);
}

void mean_of_one(const float* terms, std::size_t size, double scale, float* mean) {
  std::size_t n = 0;
  for (; n + kDoubles <= size; n += kDoubles) {
    store_mean(quanta(terms + n), scale, mean + n);
  }
  mean_exactly(terms + n, size - n, scale, mean + n);
}

ExactKernels exact_kernels() { return {&can_add, &add, &mean_of_sum, &mean_of_one}; }

}  // namespace HWY_NAMESPACE
}  // namespace factorps
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
#include "model/kernels/dispatch.hpp"

namespace factorps {

ExactKernels exact_kernels_of(InstructionSet set) {
  FACTORPS_RETURN_FOR(set, exact_kernels());
  return {&can_add_exactly, &add_exactly, [](auto... a) { mean_exactly(a...); },
          [](auto... a) { mean_exactly(a...); }};
}

const ExactKernels& exact_kernels() { return of_best<exact_kernels_of>(); }

}  // namespace factorps
#endif

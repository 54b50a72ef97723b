#include "model/kernels/dot_kernel.hpp"

#include "model/kernels/fold_sums.hpp"

// Highway compiles this file once per instruction set. Older CPUs get plain loops.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "model/kernels/dot_kernel.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#if HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
#include "model/kernels/columns-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace factorps {
namespace HWY_NAMESPACE {

float dot(float scale, const float* a, const float* b, std::size_t size) {
  return sum_of_columns(size, [&](auto d, std::size_t c) FACTORPS_LAMBDA {
    return hn::Mul(hn::Mul(hn::Set(d, scale), hn::LoadU(d, a + c)), hn::LoadU(d, b + c));
  });
}

void add_slopes(float factor, const float* a, const float* b, std::size_t size, float* by_a,
                float* by_b) {
  for_columns(size, [&](auto d, std::size_t c) FACTORPS_LAMBDA {
    const auto f = hn::Set(d, factor);
    hn::StoreU(hn::Add(hn::LoadU(d, by_a + c), hn::Mul(f, hn::LoadU(d, b + c))), d, by_a + c);
    hn::StoreU(hn::Add(hn::LoadU(d, by_b + c), hn::Mul(f, hn::LoadU(d, a + c))), d, by_b + c);
  });
}

float dot3(const float* a, const float* b, const float* c, std::size_t size) {
  return sum_of_columns(size, [&](auto d, std::size_t n) FACTORPS_LAMBDA {
    return hn::Mul(hn::Mul(hn::LoadU(d, a + n), hn::LoadU(d, b + n)), hn::LoadU(d, c + n));
  });
}

void add_slopes3(float factor, const float* a, const float* b, const float* c, std::size_t size,
                 float* by_a, float* by_b, float* by_c) {
  for_columns(size, [&](auto d, std::size_t n) FACTORPS_LAMBDA {
    const auto f = hn::Set(d, factor);
    const auto x = hn::LoadU(d, a + n);
    const auto y = hn::LoadU(d, b + n);
    const auto z = hn::LoadU(d, c + n);
    const auto by_x = hn::Mul(f, x);
    hn::StoreU(hn::Add(hn::LoadU(d, by_a + n), hn::Mul(hn::Mul(f, y), z)), d, by_a + n);
    hn::StoreU(hn::Add(hn::LoadU(d, by_b + n), hn::Mul(by_x, z)), d, by_b + n);
    hn::StoreU(hn::Add(hn::LoadU(d, by_c + n), hn::Mul(by_x, y)), d, by_c + n);
  });
}

DotKernels dot_kernels() { return {&dot, &add_slopes, &dot3, &add_slopes3}; }

}  // namespace HWY_NAMESPACE
}  // namespace factorps
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
#include "model/kernels/dispatch.hpp"

namespace factorps {
namespace {

float dot_reference(float scale, const float* a, const float* b, std::size_t size) {
  return sum_of_terms(size, [&](std::size_t n) { return (scale * a[n]) * b[n]; });
}

void add_slopes_reference(float factor, const float* a, const float* b, std::size_t size,
                          float* by_a, float* by_b) {
  for (std::size_t n = 0; n < size; ++n) {
    by_a[n] += factor * b[n];
    by_b[n] += factor * a[n];
  }
}

float dot3_reference(const float* a, const float* b, const float* c, std::size_t size) {
  return sum_of_terms(size, [&](std::size_t n) { return (a[n] * b[n]) * c[n]; });
}

void add_slopes3_reference(float factor, const float* a, const float* b, const float* c,
                           std::size_t size, float* by_a, float* by_b, float* by_c) {
  for (std::size_t n = 0; n < size; ++n) {
    by_a[n] += (factor * b[n]) * c[n];
    by_b[n] += (factor * a[n]) * c[n];
    by_c[n] += (factor * a[n]) * b[n];
  }
}

}  // namespace

DotKernels dot_kernels_of(InstructionSet set) {
  FACTORPS_RETURN_FOR(set, dot_kernels());
  return {&dot_reference, &add_slopes_reference, &dot3_reference, &add_slopes3_reference};
}

const DotKernels& dot_kernels() { return of_best<dot_kernels_of>(); }

}  // namespace factorps
#endif

/// Which of the kernels that Highway has compiled, one per instruction set, does the work.
#pragma once

#include <hwy/highway.h>

#include "model/kernels/sgd_kernel.hpp"

#if HWY_TARGETS & HWY_SSE4
#define FACTORPS_IF_SSE4(statement) statement
#else
#define FACTORPS_IF_SSE4(statement)
#endif
#if HWY_TARGETS & HWY_AVX2
#define FACTORPS_IF_AVX2(statement) statement
#else
#define FACTORPS_IF_AVX2(statement)
#endif
#if HWY_TARGETS & HWY_AVX3
#define FACTORPS_IF_AVX3(statement) statement
#else
#define FACTORPS_IF_AVX3(statement)
#endif

namespace factorps {

/// What `Of` gives for the best instruction set, asked once.
template <auto Of>
[[nodiscard]] const auto& of_best() {
  static const auto kBest = Of(best_kernels().set);
  return kBest;
}

}  // namespace factorps

/// Returns `call`, a call in the namespace of the instruction set `set`, from the function that it
/// stands in; does nothing if there is none, as of the reference.
#define FACTORPS_RETURN_FOR(set, call)                                        \
  FACTORPS_IF_SSE4(if ((set) == InstructionSet::sse4) return N_SSE4::call;)   \
  FACTORPS_IF_AVX2(if ((set) == InstructionSet::avx2) return N_AVX2::call;)   \
  FACTORPS_IF_AVX3(if ((set) == InstructionSet::avx512) return N_AVX3::call;) \
  static_cast<void>(set)

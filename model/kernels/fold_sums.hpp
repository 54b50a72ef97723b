/// The shape of sums over the columns of a row that every instruction set rounds alike.
#pragma once

#include <cstddef>

#include "model/kernels/sgd_kernel.hpp"

namespace factorps {

/// Column c was added to sum c % kRowMultiple, in ascending order; folds them in halves.
inline float fold_sums(float* sums) {
  for (std::size_t half = kRowMultiple / 2; half > 0; half /= 2) {
    for (std::size_t n = 0; n < half; ++n) sums[n] += sums[n + half];
  }
  return sums[0];
}

/// Sum over n < size of term(n).
template <class Term>
[[nodiscard]] float sum_of_terms(std::size_t size, Term&& term) {
  float sums[kRowMultiple] = {};
  std::size_t n = 0;
  for (; n + kRowMultiple <= size; n += kRowMultiple) {
    for (std::size_t lane = 0; lane < kRowMultiple; ++lane) sums[lane] += term(n + lane);
  }
  for (; n < size; ++n) sums[n % kRowMultiple] += term(n);
  return fold_sums(sums);
}

}  // namespace factorps

/// Sums of floats whose bits do not depend on the order or the grouping of their terms.
///
/// Each term is rounded to a multiple of a quantum, and a double adds such multiples without any
/// rounding as long as the sum stays below 2^53 of them. So partial sums may be taken by anybody.
#pragma once

#include <cmath>
#include <cstddef>

namespace factorps {

inline constexpr double kExactQuantum = 0x1p-34;  ///< 6e-11
/// Terms must be below this, in absolute value.
inline constexpr float kExactTerm = 0x1p12F;
/// So many terms add up without rounding.
inline constexpr std::size_t kExactTerms = 128;
static_assert(kExactTerm * kExactTerms / kExactQuantum <= 0x1p53);

inline constexpr double kExactShift = 0x1.8p52 * kExactQuantum;

/// The multiple of the quantum next to x, |x| < kExactTerm; ties go to the even one. (Adding what
/// is 1.5 x 2^52 quanta leaves no room for smaller digits.) Zeros are positive.
[[nodiscard]] inline double to_quanta(float x) noexcept {
  return (static_cast<double>(x) + kExactShift) - kExactShift;
}

/// sum[n] += terms[n]
inline void add_exactly(const float* terms, std::size_t size, double* sum) noexcept {
  for (std::size_t n = 0; n < size; ++n) sum[n] += to_quanta(terms[n]);
}

/// mean[n] = sum[n] * scale
inline void mean_exactly(const double* sum, std::size_t size, double scale, float* mean) noexcept {
  for (std::size_t n = 0; n < size; ++n) mean[n] = static_cast<float>(sum[n] * scale);
}
/// The same for the sum of one term each.
inline void mean_exactly(const float* terms, std::size_t size, double scale, float* mean) noexcept {
  for (std::size_t n = 0; n < size; ++n) {
    mean[n] = static_cast<float>(to_quanta(terms[n]) * scale);
  }
}

/// Whether all terms can be added; false if any is not a number.
[[nodiscard]] inline bool can_add_exactly(const float* terms, std::size_t size) noexcept {
  bool all = true;
  for (std::size_t n = 0; n < size; ++n) all = all & (std::fabs(terms[n]) < kExactTerm);
  return all;
}

}  // namespace factorps

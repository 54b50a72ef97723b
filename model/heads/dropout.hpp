/// Dropout: units of a layer that are left out of an example (Srivastava et al. 2014).
#pragma once

#include <cstddef>
#include <cstdint>

namespace factorps {

/// Masks are functions of (seed, example, layer, unit). A unit stays with a probability that is the
/// nearest multiple of 2^-16 to 1 - rate, and counts 1 / that, so that means are kept.
class Dropout {
 public:
  explicit Dropout(float rate);

  [[nodiscard]] bool off() const noexcept { return kept_ == kAll; }
  /// factors[unit] = 0 or scale(), for `units` units of layer number `layer`.
  void factors(std::uint64_t seed, std::uint64_t example, std::size_t layer, std::size_t units,
               float* factors) const;
  [[nodiscard]] float scale() const noexcept { return scale_; }

 private:
  static constexpr std::uint32_t kAll = 1U << 16;
  std::uint32_t kept_;  // of kAll
  float scale_;
};

}  // namespace factorps

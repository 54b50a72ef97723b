#include "model/weighted_gram.hpp"

#include <algorithm>
#include <cmath>

#include "common/aligned_buffer.hpp"
#include "model/kernels/als_kernel.hpp"

namespace factorps {
namespace {

constexpr std::size_t kRows = 256;  // with 64 columns 64 KiB

/// sqrt(weight) x for up to kRows rows whose weight is not 0. @return how many
std::size_t scale_rows(std::span<const float> rows, std::size_t dim, std::span<const float> weights,
                       std::size_t stride, std::size_t& next, float* out) {
  const std::size_t count = rows.size() / dim;
  std::size_t size = 0;
  for (; size < kRows && next < count; ++next) {
    const float weight = weights.empty() ? 1.0F : weights[next];
    if (weight == 0) continue;
    const float root = std::sqrt(weight);
    std::ranges::transform(rows.subspan(next * dim, dim), out + size++ * stride,
                           [root](float x) { return root * x; });
  }
  return size;
}

}  // namespace

std::vector<double> weighted_gram(std::span<const float> rows, std::size_t dim,
                                  std::span<const float> weights) {
  const std::size_t stride = round_up(dim, kRowMultiple);
  const AlsKernels kernels = als_kernels(best_kernels().set);
  const AlignedBuffer<float> scaled{kRows * stride};
  std::vector<double> padded(stride * stride);
  for (std::size_t next = 0; next * dim < rows.size();) {
    const std::size_t size = scale_rows(rows, dim, weights, stride, next, scaled.data());
    kernels.add_gram(scaled.data(), size, stride, 0, 0, stride, padded.data());
  }
  std::vector<double> sums(dim * dim);
  for (std::size_t i = 0; i < dim; ++i) {
    std::copy_n(padded.data() + i * stride, dim, sums.data() + i * dim);
  }
  return sums;
}

}  // namespace factorps

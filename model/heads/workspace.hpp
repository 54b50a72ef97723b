/// Memory that heads compute in, kept from one batch to the next.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "common/aligned_buffer.hpp"
#include "model/kernels/fold_sums.hpp"
#include "model/kernels/sgd_kernel.hpp"

namespace factorps {

/// A row-major matrix for the product kernels: aligned, rows and columns padded to a multiple of
/// kRowMultiple. The padding holds anything.
class PaddedMatrix {
 public:
  /// The numbers are anything afterwards.
  void resize(std::size_t rows, std::size_t columns) {
    rows_ = rows;
    columns_ = columns;
    const std::size_t size = padded_rows() * stride();
    if (size > memory_.size()) memory_ = AlignedBuffer<float>{size};
  }
  void clear() { std::fill_n(memory_.data(), padded_rows() * stride(), 0.0F); }

  [[nodiscard]] std::size_t rows() const noexcept { return rows_; }
  [[nodiscard]] std::size_t columns() const noexcept { return columns_; }
  [[nodiscard]] std::size_t padded_rows() const noexcept { return round_up(rows_, kRowMultiple); }
  [[nodiscard]] std::size_t stride() const noexcept { return round_up(columns_, kRowMultiple); }
  [[nodiscard]] float* data() const noexcept { return memory_.data(); }
  [[nodiscard]] float* row(std::size_t n) const noexcept { return memory_.data() + n * stride(); }

 private:
  AlignedBuffer<float> memory_;
  std::size_t rows_ = 0;
  std::size_t columns_ = 0;
};

/// Of one thread.
class HeadWorkspace {
 public:
  /// The matrix of this number, with this shape. It stays where it is when others are asked for.
  PaddedMatrix& matrix(std::size_t number, std::size_t rows, std::size_t columns) {
    if (number >= matrices_.size()) matrices_.resize(number + 1);
    matrices_[number].resize(rows, columns);
    return matrices_[number];
  }

  std::vector<float> scores;           ///< [example]
  std::vector<float> slopes;           ///< [example] of the loss by the score
  std::vector<std::uint32_t> numbers;  ///< 0, 1, 2 ...
  std::uint64_t features_added = 0;    ///< by factorization machines

 private:
  std::deque<PaddedMatrix> matrices_;
};

}  // namespace factorps

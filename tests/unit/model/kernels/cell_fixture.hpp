/// Small strips, blocks and cells for the tests of the kernels.
#pragma once

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include "common/aligned_buffer.hpp"
#include "model/kernels/sgd_kernel.hpp"

namespace factorps::test {

/// Rows of a strip or a block with their memory; copies are deep.
class Table {
 public:
  Table(std::size_t rows, std::size_t dim, std::size_t stride)
      : rows_{rows},
        dim_{dim},
        stride_{stride},
        factors_((rows + kBlankRows) * stride),
        states_(rows + kBlankRows, RowState{0, 0}) {}
  Table(const Table& other) : Table{other.rows_, other.dim_, other.stride_} {
    std::ranges::copy(other.factors_.span(), factors_.data());
    states_ = other.states_;
  }
  Table& operator=(const Table&) = delete;

  void fill(std::mt19937& random, float scale) {
    std::uniform_real_distribution<float> any{-scale, scale};
    for (std::size_t r = 0; r < rows_; ++r) {
      std::generate_n(row(r), dim_, [&] { return any(random); });
      states_[r] = {any(random), std::abs(any(random))};
    }
  }
  [[nodiscard]] RowsView view() { return {factors_.data(), states_.data(), stride_, rows_}; }
  [[nodiscard]] float* row(std::size_t r) const { return factors_.data() + r * stride_; }
  [[nodiscard]] RowState& state(std::size_t r) { return states_[r]; }
  [[nodiscard]] std::size_t rows() const { return rows_; }
  [[nodiscard]] std::size_t dim() const { return dim_; }
  [[nodiscard]] std::size_t stride() const { return stride_; }

  /// Whether a row, padding and state included, has the same bits in both.
  [[nodiscard]] bool same_row(const Table& other, std::size_t r) const {
    return std::memcmp(row(r), other.row(r), stride_ * sizeof(float)) == 0 &&
           std::memcmp(&states_[r], &other.states_[r], sizeof(RowState)) == 0;
  }
  [[nodiscard]] bool same_rows(const Table& other) const {
    for (std::size_t r = 0; r < rows_; ++r) {
      if (!same_row(other, r)) return false;
    }
    return true;
  }
  [[nodiscard]] bool padding_is_zero() const {
    for (std::size_t r = 0; r < rows_; ++r) {
      const std::vector<float> zeros(stride_ - dim_, 0.0F);
      if (std::memcmp(row(r) + dim_, zeros.data(), zeros.size() * sizeof(float)) != 0) return false;
    }
    return true;
  }

 private:
  std::size_t rows_;
  std::size_t dim_;
  std::size_t stride_;
  AlignedBuffer<float> factors_;  // and the blank rows
  std::vector<RowState> states_;
};

/// The arrays of a cell, none longer than it must be.
struct Cell {
  std::vector<Run> runs;
  std::vector<std::uint16_t> items;
  std::vector<std::uint8_t> codes;
  std::vector<float> values;
  ValueCode code{false, 0, 1};

  /// Adds a run of different random items, in ascending order, with random values.
  void add_run(std::uint32_t user, std::uint32_t count, std::size_t num_items,
               std::mt19937& random) {
    std::vector<std::uint16_t> all(num_items);
    for (std::size_t i = 0; i < num_items; ++i) all[i] = static_cast<std::uint16_t>(i);
    std::ranges::sample(std::vector{all}, all.begin(), count, random);
    std::uniform_real_distribution<float> any{-3, 3};
    runs.push_back({user, count});
    items.insert(items.end(), all.begin(), all.begin() + count);
    for (std::uint32_t k = 0; k < count; ++k) {
      codes.push_back(static_cast<std::uint8_t>(random()));
      values.push_back(any(random));
    }
    items.shrink_to_fit();  // so that a sanitizer sees a read beyond the end
    codes.shrink_to_fit();
    values.shrink_to_fit();
  }
  /// Adds interactions first ... first + count - 1 of another cell as a run.
  void add_batch(const Cell& from, std::uint32_t user, std::size_t first, std::size_t count) {
    const auto append = [&](auto& all, const auto& theirs) {
      const auto begin = theirs.begin() + static_cast<std::ptrdiff_t>(first);
      all.insert(all.end(), begin, begin + static_cast<std::ptrdiff_t>(count));
    };
    runs.push_back({user, static_cast<std::uint32_t>(count)});
    append(items, from.items);
    append(codes, from.codes);
    append(values, from.values);
  }
  [[nodiscard]] CellView view() const { return {runs, items, codes.data(), values.data(), code}; }
};

}  // namespace factorps::test

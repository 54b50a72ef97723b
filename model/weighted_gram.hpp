/// Sums of outer products of rows.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace factorps {

/// Sum over the rows x of weight x x^T, by the kernels of this CPU.
/// @param rows n x dim, row-major; weights [n] at least 0; empty: all are 1
/// @return dim x dim
[[nodiscard]] std::vector<double> weighted_gram(std::span<const float> rows, std::size_t dim,
                                                std::span<const float> weights);

}  // namespace factorps

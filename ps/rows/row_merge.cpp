#include "ps/rows/row_merge.hpp"

#include <algorithm>

#include "model/kernels/exact_kernel.hpp"

namespace factorps::ps {

void RowMerge::add(const RowSection& section, RowRange range) {
  const auto rows = within(section.rows, range);
  const std::size_t bytes = width_ * value_bytes(section.kind);
  const std::byte* values =
      section.values + static_cast<std::size_t>(rows.data() - section.rows.data()) * bytes;
  for (const std::uint64_t row : rows) {
    places_.push_back(PlacedRow::pack(row, contributions_.size()));
    contributions_.push_back({section.kind, values});
    values += bytes;
  }
}

void sum_contributions(std::span<const Contribution> contributions, std::span<double> sum) {
  std::ranges::fill(sum, 0.0);
  for (const Contribution& part : contributions) {
    if (part.kind == RowValues::narrow) {
      exact_kernels().add(reinterpret_cast<const float*>(part.values), sum.size(), sum.data());
      continue;
    }
    const auto* values = reinterpret_cast<const double*>(part.values);
    for (std::size_t n = 0; n < sum.size(); ++n) sum[n] += values[n];
  }
}

}  // namespace factorps::ps

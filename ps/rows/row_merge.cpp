#include "ps/rows/row_merge.hpp"

#include "model/kernels/exact_kernel.hpp"

namespace factorps::ps {

RowCursor cursor_of(const RowSection& section, std::size_t width, RowRange range) {
  const auto first = std::ranges::lower_bound(section.rows, range.begin) - section.rows.begin();
  const auto last = std::ranges::lower_bound(section.rows, range.end) - section.rows.begin();
  const std::size_t bytes = width * value_bytes(section.kind);
  return {section.rows.data() + first,
          section.rows.data() + last,
          {section.kind, section.values + static_cast<std::size_t>(first) * bytes},
          bytes};
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

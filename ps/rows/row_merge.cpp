#include "ps/rows/row_merge.hpp"

#include "model/kernels/exact_kernel.hpp"

namespace factorps::ps {

RowCursor::RowCursor(std::span<const RowSection> sections, std::size_t width, RowRange range)
    : rest_{sections}, range_{range}, width_{width} {
  open_next();
}

void RowCursor::open_next() {
  while (row_ == end_ && !rest_.empty()) {
    const RowSection& section = rest_.front();
    rest_ = rest_.subspan(1);
    const auto some = within(section.rows, range_);
    row_ = some.data();
    end_ = row_ + some.size();
    bytes_ = width_ * value_bytes(section.kind);
    const auto before = static_cast<std::size_t>(row_ - section.rows.data());
    contribution_ = {section.kind, section.values + before * bytes_};
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

#include "ps/rows/row_apply.hpp"

#include <algorithm>

namespace factorps::ps {
namespace {

void apply_contributions(const RowNode& node, std::size_t table, std::uint64_t row,
                         std::span<const Contribution> contributions, std::vector<double>& sum,
                         RowStep step) {
  const Contribution& first = contributions.front();
  if (contributions.size() == 1 && first.kind == RowValues::narrow) {
    node.apply(table, row, reinterpret_cast<const float*>(first.values), step);
    return;
  }
  sum.resize(node.layout().tables()[table].width);
  sum_contributions(contributions, sum);
  node.apply(table, row, sum, step);
}

}  // namespace

RowStep step_of(const RowHeader& header) {
  const auto examples = static_cast<double>(std::max<std::uint64_t>(header.examples, 1));
  return {1 / examples, static_cast<float>(header.rate_factor), header.step};
}

Applied apply_lists(const RowNode& node, std::size_t table, RowMerge& lists, From who,
                    RowStep step) {
  const RowTable& shape = node.layout().tables()[table];
  const std::size_t bytes = shape.record() * sizeof(float);
  Applied applied;
  std::vector<double> sum;
  const auto apply = [&](std::uint64_t row, std::span<const Contribution> all) {
    if (!shape.changes(row)) return;
    ++applied.rows;
    applied.combined += all.size() - 1;
    if (who == From::workers) step.pushes = static_cast<std::uint32_t>(all.size());
    apply_contributions(node, table, row, all, sum, step);
  };
  lists.for_each(RowNode::kAhead, apply, [&](std::uint64_t row) { node.fetch(table, row, bytes); });
  return applied;
}

Applied apply_parts(const RowNode& node, std::span<const TouchedTables> parts,
                    std::span<const RowRange> rows, const RowHeader& header, RowMerge& lists) {
  const RowStep step = step_of(header);
  Applied applied;
  const RowLayout& layout = node.layout();
  for (std::size_t t = 0; t < rows.size(); ++t) {
    if (layout.tables()[t].frozen) continue;
    lists.begin(layout.tables()[t].width);
    add_parts(parts, t, rows[t], lists);
    const Applied some = apply_lists(node, t, lists, From::one_worker, step);
    applied.rows += some.rows;
    applied.combined += some.combined;
  }
  return applied;
}

void apply_sections(const RowNode& node, std::span<const RowSection> sections,
                    const RowHeader& header) {
  const RowStep step = step_of(header);
  for (const RowSection& section : sections) {
    const std::size_t width = node.layout().tables()[section.table].width;
    if (section.kind == RowValues::narrow) {
      node.apply(section.table, section.rows, reinterpret_cast<const float*>(section.values), step);
      continue;
    }
    const auto* sums = reinterpret_cast<const double*>(section.values);
    for (std::size_t n = 0; n < section.rows.size(); ++n) {
      node.apply(section.table, section.rows[n], std::span{sums + n * width, width}, step);
    }
  }
}

}  // namespace factorps::ps

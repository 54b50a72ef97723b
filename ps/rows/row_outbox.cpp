#include "ps/rows/row_outbox.hpp"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "common/check.hpp"
#include "common/error.hpp"
#include "common/exact_sum.hpp"
#include "model/kernels/exact_kernel.hpp"

namespace factorps::ps {
namespace {

RowStep step_of(const RowHeader& header) {
  const auto examples = static_cast<double>(std::max<std::uint64_t>(header.examples, 1));
  return {1 / examples, static_cast<float>(header.rate_factor), header.step};
}

/// @param sum memory
void apply_all(const RowNode& node, std::size_t table, std::uint64_t row,
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

void check_gradients(const RowLayout& layout, const TouchedTables& part) {
  for (std::size_t t = 0; t < part.tables.size(); ++t) {
    const TouchedRows& touched = part.tables[t];
    if (exact_kernels().can_add(touched.gradients.data(), touched.gradients.size())) continue;
    const auto wrong =
        std::ranges::find_if(touched.gradients, [](float g) { return !can_add_exactly(&g, 1); });
    const RowTable& table = layout.tables()[t];
    const auto n = static_cast<std::size_t>(wrong - touched.gradients.begin());
    throw DataError{
        fmt::format("the training diverged: a gradient of row {} of the table {} is {}, expected "
                    "less than {}; lower train.learning_rate or normalise the values "
                    "(clean.normalise)",
                    touched.rows[n / table.width], table.name, *wrong, kExactTerm)};
  }
}

void RowOutbox::collect(int node, std::span<const TouchedTables> parts) {
  rows_ = combined_ = 0;
  std::vector<RowCursor> cursors;
  std::vector<double> sum;
  for (std::size_t t = 0; t < tables_.size(); ++t) {
    const RowTable& table = layout_.tables()[t];
    Table& out = tables_[t];
    out.narrow_rows.clear();
    out.narrow.clear();
    out.wide_rows.clear();
    out.wide.clear();
    if (table.frozen) continue;
    cursors.clear();
    const RowRange rows = layout_.rows_of(t, node);
    for (const TouchedTables& part : parts) {
      const TouchedRows& touched = part.tables[t];
      const RowSection all{static_cast<std::uint32_t>(t), RowValues::narrow, touched.rows,
                           reinterpret_cast<const std::byte*>(touched.gradients.data())};
      cursors.push_back(cursor_of(all, table.width, rows));
    }
    sum.resize(table.width);
    merge_rows(cursors, [&](std::uint64_t row, std::span<const Contribution> all) {
      if (!table.frozen_rows.empty() && !table.changes(row)) return;
      ++rows_;
      if (all.size() == 1) {
        out.narrow_rows.push_back(row);
        out.narrow.push_back(all.front().values);
        return;
      }
      combined_ += all.size() - 1;
      sum_contributions(all, sum);
      out.wide_rows.push_back(row);
      out.wide.insert(out.wide.end(), sum.begin(), sum.end());
    });
  }
}

std::size_t RowOutbox::bytes() const {
  std::size_t bytes = sizeof(RowHeader);
  for (std::size_t t = 0; t < tables_.size(); ++t) {
    const std::size_t width = layout_.tables()[t].width;
    const Table& out = tables_[t];
    bytes += section_bytes(RowValues::narrow, width, out.narrow_rows.size()) +
             section_bytes(RowValues::wide, width, out.wide_rows.size());
  }
  return bytes;
}

void RowOutbox::write(RowHeader header, std::byte* to) const {
  header.bytes = bytes() - sizeof(RowHeader);
  std::memcpy(to, &header, sizeof header);
  to += sizeof header;
  for (std::size_t t = 0; t < tables_.size(); ++t) {
    const std::size_t width = layout_.tables()[t].width;
    const Table& out = tables_[t];
    const auto number = static_cast<std::uint32_t>(t);
    const auto narrow = open_section(to, number, RowValues::narrow, width, out.narrow_rows.size());
    std::ranges::copy(out.narrow_rows, narrow.rows);
    const std::size_t row_bytes = width * sizeof(float);
    for (std::size_t n = 0; n < out.narrow.size(); ++n) {
      std::memcpy(narrow.values + n * row_bytes, out.narrow[n], row_bytes);
    }
    const auto wide = open_section(to, number, RowValues::wide, width, out.wide_rows.size());
    std::ranges::copy(out.wide_rows, wide.rows);
    std::ranges::copy(std::as_bytes(std::span{out.wide}), wide.values);
  }
}

void RowOutbox::apply(const RowHeader& header, const RowNode& node) const {
  constexpr std::size_t kAhead = RowNode::kAhead;
  const RowStep step = step_of(header);
  for (std::size_t t = 0; t < tables_.size(); ++t) {
    const Table& out = tables_[t];
    const std::size_t width = layout_.tables()[t].width;
    const std::size_t bytes = layout_.tables()[t].record() * sizeof(float);
    for (std::size_t n = 0; n < out.narrow.size(); ++n) {
      if (n + kAhead < out.narrow.size()) node.fetch(t, out.narrow_rows[n + kAhead], bytes);
      node.apply(t, out.narrow_rows[n], reinterpret_cast<const float*>(out.narrow[n]), step);
    }
    for (std::size_t n = 0; n < out.wide_rows.size(); ++n) {
      node.apply(t, out.wide_rows[n], std::span{out.wide}.subspan(n * width, width), step);
    }
  }
}

void apply_sections(const RowNode& node, std::span<const RowSection> sections,
                    const RowHeader& header) {
  const RowStep step = step_of(header);
  std::vector<double> sum;
  for (const RowSection& section : sections) {
    const RowTable& table = node.layout().tables()[section.table];
    const std::size_t bytes = table.width * value_bytes(section.kind);
    const std::size_t record = table.record() * sizeof(float);
    constexpr std::size_t kAhead = RowNode::kAhead;
    for (std::size_t n = 0; n < section.rows.size(); ++n) {
      if (n + kAhead < section.rows.size()) {
        node.fetch(section.table, section.rows[n + kAhead], record);
      }
      const Contribution one{section.kind, section.values + n * bytes};
      apply_all(node, section.table, section.rows[n], {&one, 1}, sum, step);
    }
  }
}

void apply_mailboxes(const RowNode& node, std::uint64_t number, std::uint32_t part,
                     std::uint32_t parts) {
  const RowLayout& layout = node.layout();
  std::vector<std::vector<RowSection>> sections(layout.tables().size());  // [table]
  RowHeader pushed{.step = number};
  for (std::size_t w = 0; w < node.job().workers(); ++w) {
    const auto mailbox = node.mailbox(w);
    RowHeader header;
    std::memcpy(&header, mailbox.data(), sizeof header);
    FACTORPS_CHECK(header.step == number);
    pushed.examples = header.examples;
    pushed.rate_factor = header.rate_factor;
    for (const RowSection& section :
         read_sections(mailbox.subspan(sizeof header, header.bytes), layout.tables())) {
      sections[section.table].push_back(section);
    }
  }
  const RowStep step = step_of(pushed);
  std::vector<RowCursor> cursors;
  std::vector<double> sum;
  for (std::size_t t = 0; t < sections.size(); ++t) {
    const std::size_t width = layout.tables()[t].width;
    const RowRange share = slice_of(layout.rows_of(t, node.node()), part, parts);
    cursors.clear();
    for (const RowSection& section : sections[t]) {
      cursors.push_back(cursor_of(section, width, share));
    }
    const std::size_t bytes = layout.tables()[t].record() * sizeof(float);
    const auto apply = [&](std::uint64_t row, std::span<const Contribution> all) {
      apply_all(node, t, row, all, sum, step);
    };
    merge_rows(cursors, apply, [&](const RowCursor& cursor) {
      if (cursor.end - cursor.row > std::ptrdiff_t{RowNode::kAhead}) {
        node.fetch(t, cursor.row[RowNode::kAhead], bytes);
      }
    });
  }
}

}  // namespace factorps::ps

#include "ps/rows/row_outbox.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "common/check.hpp"
#include "common/error.hpp"
#include "common/exact_sum.hpp"
#include "model/kernels/exact_kernel.hpp"
#include "ps/rows/row_mailboxes.hpp"

namespace factorps::ps {

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

namespace {

/// Rows that lie one behind the other are copied at once.
void copy_rows(std::span<const std::byte* const> rows, std::size_t row_bytes, std::byte* to) {
  while (!rows.empty()) {
    std::size_t run = 1;
    while (run < rows.size() && rows[run] == rows[run - 1] + row_bytes) ++run;
    std::memcpy(to, rows.front(), run * row_bytes);
    to += run * row_bytes;
    rows = rows.subspan(run);
  }
}

}  // namespace

void add_parts(std::span<const TouchedTables> parts, std::size_t table, RowRange rows,
               RowMerge& lists) {
  for (const TouchedTables& part : parts) {
    const TouchedRows& touched = part.tables[table];
    lists.add({static_cast<std::uint32_t>(table), RowValues::narrow, touched.rows,
               reinterpret_cast<const std::byte*>(touched.gradients.data())},
              rows);
  }
}

void RowOutbox::collect(std::span<const TouchedTables> parts, std::optional<int> node,
                        RowRange without) {
  rows_ = combined_ = 0;
  for (std::size_t t = 0; t < tables_.size(); ++t) {
    const RowTable& table = layout_.tables()[t];
    const RowRange rows = node ? layout_.rows_of(t, *node) : RowRange{0, table.rows()};
    const RowRange gap = t == 0 ? without : RowRange{};
    lists_.begin(table.width);
    add_parts(parts, t, {rows.begin, std::min(gap.begin, rows.end)}, lists_);
    add_parts(parts, t, {std::max(gap.end, rows.begin), rows.end}, lists_);
    collect(t);
  }
}

void RowOutbox::collect(const RowMailboxes& mailboxes, int node, std::uint32_t part,
                        std::uint32_t parts) {
  rows_ = combined_ = 0;
  for (std::size_t t = 0; t < tables_.size(); ++t) {
    mailboxes.merge(t, slice_of(layout_.rows_of(t, node), part, parts), lists_);
    collect(t);
  }
}

void RowOutbox::collect(std::size_t number) {
  const RowTable& table = layout_.tables()[number];
  Table& out = tables_[number];
  out.narrow_rows.clear();
  out.narrow.clear();
  out.wide_rows.clear();
  out.wide.clear();
  if (table.frozen) return;
  const std::size_t width = table.width;
  lists_.for_each([&](std::uint64_t row, std::span<const Contribution> all) {
    if (!table.changes(row)) return;
    ++rows_;
    combined_ += all.size() - 1;
    if (all.size() == 1 && all.front().kind == RowValues::narrow) {
      out.narrow_rows.push_back(row);
      out.narrow.push_back(all.front().values);
      return;
    }
    out.wide_rows.push_back(row);
    out.wide.resize(out.wide.size() + width);
    sum_contributions(all, std::span{out.wide}.last(width));
  });
}

std::uint64_t RowOutbox::rows_of(int node) const {
  std::uint64_t count = 0;
  for (std::size_t t = 0; t < tables_.size(); ++t) {
    const RowRange range = layout_.rows_of(t, node);
    count +=
        within(tables_[t].narrow_rows, range).size() + within(tables_[t].wide_rows, range).size();
  }
  return count;
}

std::vector<RowOutbox::Piece> RowOutbox::all_pieces() const {
  std::vector<Piece> pieces;
  for (std::size_t t = 0; t < tables_.size(); ++t) {
    pieces.push_back({t, RowValues::narrow, 0, tables_[t].narrow_rows.size()});
    pieces.push_back({t, RowValues::wide, 0, tables_[t].wide_rows.size()});
  }
  std::erase_if(pieces, [](const Piece& piece) { return piece.end == 0; });
  return pieces;
}

std::size_t RowOutbox::bytes_of(std::span<const Piece> pieces) const {
  std::size_t bytes = 0;
  for (const Piece& piece : pieces) {
    bytes +=
        section_bytes(piece.kind, layout_.tables()[piece.table].width, piece.end - piece.begin);
  }
  return bytes;
}

void RowOutbox::write(std::span<const Piece> pieces, std::byte* to) const {
  for (const Piece& piece : pieces) {
    const std::size_t width = layout_.tables()[piece.table].width;
    const std::size_t count = piece.end - piece.begin;
    const Table& from = tables_[piece.table];
    const auto number = static_cast<std::uint32_t>(piece.table);
    const bool narrow = piece.kind == RowValues::narrow;
    const auto section = open_section(to, number, piece.kind, width, count);
    std::copy_n((narrow ? from.narrow_rows : from.wide_rows).data() + piece.begin, count,
                section.rows);
    if (!narrow) {
      std::memcpy(section.values, from.wide.data() + piece.begin * width,
                  count * width * sizeof(double));
      continue;
    }
    const std::size_t row_bytes = width * sizeof(float);
    copy_rows(std::span{from.narrow}.subspan(piece.begin, count), row_bytes, section.values);
  }
}

std::size_t RowOutbox::bytes() const { return bytes_of(all_pieces()); }

void RowOutbox::write(std::byte* to) const { write(all_pieces(), to); }

void RowOutbox::send(RowHeader header, std::size_t message_bytes, comm::SpareBodies& spare,
                     const std::function<void(std::vector<std::byte>)>& send) const {
  std::vector<std::vector<Piece>> messages(1);
  std::size_t room = message_bytes;
  for (Piece rest : all_pieces()) {
    const std::size_t width = layout_.tables()[rest.table].width;
    const std::size_t row = sizeof(std::uint64_t) + width * value_bytes(rest.kind);
    while (rest.begin < rest.end) {
      if (room < row && !messages.back().empty()) {
        messages.emplace_back();
        room = message_bytes;
      }
      const std::size_t count =
          std::min(rest.end - rest.begin, std::max<std::size_t>(room / row, 1));
      messages.back().push_back({rest.table, rest.kind, rest.begin, rest.begin + count});
      rest.begin += count;
      room -= std::min(room, count * row);
    }
  }
  for (const auto& pieces : messages) {
    header.bytes = bytes_of(pieces);
    header.last = &pieces == &messages.back() ? 1 : 0;
    std::vector<std::byte> body = spare.take(sizeof header + header.bytes);
    std::memcpy(body.data(), &header, sizeof header);
    write(pieces, body.data() + sizeof header);
    send(std::move(body));
  }
}

}  // namespace factorps::ps

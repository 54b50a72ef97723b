#include "ps/rows/row_puller.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/error.hpp"
#include "common/sort_numbers.hpp"

namespace factorps::ps {
namespace {

/// Adds the rows of a range that parts touch, each once, ascending. @return how often they do
std::uint64_t add_union(std::span<const TouchedTables> parts, std::size_t table, RowRange range,
                        std::vector<std::uint64_t>& rows) {
  const auto before = static_cast<std::ptrdiff_t>(rows.size());
  for (const TouchedTables& part : parts) {
    const auto some = within(part.tables[table].rows, range);
    rows.insert(rows.end(), some.begin(), some.end());
  }
  const auto touched = static_cast<std::uint64_t>(rows.end() - rows.begin() - before);
  if (parts.size() > 1) {
    sort_numbers(std::span{rows}.subspan(static_cast<std::size_t>(before)));
    rows.erase(std::unique(rows.begin() + before, rows.end()), rows.end());
  }
  return touched;
}

}  // namespace

RowPuller::RowPuller(comm::Transport& transport, const RowNode& node, const RowWorker& worker,
                     comm::RowTraffic& traffic)
    : transport_{transport},
      node_{node},
      worker_{worker},
      traffic_{traffic},
      part_{node.part_of(worker.number)} {}

void RowPuller::request(std::uint64_t step, std::span<const TouchedTables> parts) {
  const RowLayout& layout = node_.layout();
  Pull& pull = pulls_.emplace_back(Pull{step, false, true, {}, {}});
  const std::size_t tables = layout.tables().size();
  pull.rows.resize(static_cast<std::size_t>(layout.nodes()) * tables);
  for (int node = 0; node < layout.nodes(); ++node) {
    if (node == node_.node()) continue;
    std::size_t room = 0;
    for (std::size_t t = 0; t < tables; ++t) {
      auto& rows = pull.rows[static_cast<std::size_t>(node) * tables + t];
      const std::uint64_t touched = add_union(parts, t, layout.rows_of(t, node), rows);
      traffic_.cache_hits += touched - rows.size();
      traffic_.rows_pulled_away += rows.size();
      ask(pull, node, {t, rows, nullptr}, room);
    }
  }
  send(pull);
}

void RowPuller::request_together(std::uint64_t step, std::span<const TouchedTables> parts) {
  if (!node_.combines()) return request(step, parts);
  const RowLayout& layout = node_.layout();
  Pull& pull = pulls_.emplace_back(Pull{step, true, false, {}, {}});
  pull.rows.resize(layout.tables().size());
  for (std::size_t t = 0; t < pull.rows.size(); ++t) {
    const RowRange here = layout.rows_of(t, node_.node());
    const RowRange all{0, layout.tables()[t].rows()};
    const std::uint64_t touched = add_union(parts, t, {all.begin, here.begin}, pull.rows[t]) +
                                  add_union(parts, t, {here.end, all.end}, pull.rows[t]);
    traffic_.cache_hits += touched - pull.rows[t].size();
  }
  node_.pulls().wish(part_, step, pull.rows);
  advance();
}

void RowPuller::ask(Pull& pull, int node, Piece piece, std::size_t& room) {
  const std::size_t bytes = row_bytes(piece.table);
  while (!piece.rows.empty()) {
    if (room < bytes) {
      pull.questions.push_back({node, {}, {}, false, false});
      room = std::max(node_.job().message_bytes, bytes);
    }
    const std::size_t count = std::min(piece.rows.size(), room / bytes);
    pull.questions.back().pieces.push_back({piece.table, piece.rows.first(count), piece.to});
    piece.rows = piece.rows.subspan(count);
    if (piece.to != nullptr) piece.to += count * bytes;
    room -= count * bytes;
  }
}

std::size_t RowPuller::bytes_of(const Question& question) {
  std::size_t bytes = sizeof(RowHeader);
  for (const Piece& piece : question.pieces) {
    bytes += section_bytes(RowValues::none, 0, piece.rows.size());
  }
  return bytes;
}

void RowPuller::send(const Pull& pull) {
  std::span<const Question> rest = pull.questions;
  while (!rest.empty()) {
    std::size_t count = 0;
    std::size_t bytes = 0;
    for (const Question& question : rest) {
      if (question.node != rest.front().node) break;
      const std::size_t more = bytes_of(question);
      if (count > 0 && bytes + more > node_.job().message_bytes) break;
      bytes += more;
      ++count;
    }
    send(pull.step, rest.first(count), bytes);
    rest = rest.subspan(count);
  }
}

void RowPuller::send(std::uint64_t step, std::span<const Question> questions, std::size_t bytes) {
  std::vector<std::byte> body = spare_.take(bytes);
  std::byte* at = body.data();
  for (const Question& question : questions) {
    const RowHeader header{.step = step, .bytes = bytes_of(question) - sizeof header};
    std::memcpy(at, &header, sizeof header);
    at += sizeof header;
    for (const Piece& piece : question.pieces) {
      const auto section = open_section(at, static_cast<std::uint32_t>(piece.table),
                                        RowValues::none, 0, piece.rows.size());
      std::ranges::copy(piece.rows, section.rows);
    }
  }
  traffic_.bytes_sent += bytes;
  transport_.send(server_of(questions.front().node), comm::Tag::pull_rows, std::move(body));
}

void RowPuller::ask_together(Pull& pull) {
  int node = -1;
  std::size_t room = 0;
  for (const auto& slice : node_.pulls().open(part_, pull.step, traffic_.cache_hits)) {
    if (slice.node != node) room = 0;
    node = slice.node;
    traffic_.rows_pulled_away += slice.rows.size();
    ask(pull, node, {slice.table, slice.rows, slice.values}, room);
  }
  send(pull);
  pull.asked = true;
  if (pull.questions.empty()) node_.pulls().deliver(part_, pull.step);
}

void RowPuller::advance() {
  if (node_.layout().nodes() == 1) return;
  for (Pull& pull : pulls_) {
    if (pull.asked) continue;
    if (!node_.pulls().all_wished(pull.step)) break;
    ask_together(pull);
  }
  while (auto envelope = transport_.poll()) take(std::move(*envelope));
}

/// Every node answers in the order in which it was asked.
void RowPuller::take(comm::Envelope envelope) {
  if (envelope.tag != comm::Tag::rows) throw ProtocolError{"worker: unexpected message"};
  for (Pull& pull : pulls_) {
    for (Question& question : pull.questions) {
      if (question.answered || server_of(question.node) != envelope.from) continue;
      traffic_.bytes_received += envelope.body.size();
      question.answer = std::move(envelope.body);
      deliver(question);
      const bool all = std::ranges::all_of(pull.questions, &Question::answered);
      if (pull.together && all) node_.pulls().deliver(part_, pull.step);
      return;
    }
  }
  throw ProtocolError{"worker: rows that nobody asked for"};
}

void RowPuller::deliver(Question& question) {
  std::size_t at = sizeof(RowHeader);
  for (const Piece& piece : question.pieces) {
    const std::size_t bytes = piece.rows.size() * row_bytes(piece.table);
    if (at + bytes > question.answer.size()) throw ProtocolError{"worker: too few rows came"};
    if (piece.to != nullptr) std::memcpy(piece.to, question.answer.data() + at, bytes);
    at += bytes;
  }
  question.answered = true;
  const bool copied = !question.pieces.empty() && question.pieces.front().to != nullptr;
  if (copied) spare_.give(std::move(question.answer));
}

bool RowPuller::waits() const {
  if (pulls_.empty()) return false;
  const Pull& next = pulls_.front();
  if (next.together) return !node_.pulls().all_delivered(next.step);
  return !std::ranges::all_of(next.questions, &Question::answered);
}

void RowPuller::fill(std::span<TouchedTables> parts) {
  const Pull& pull = pulls_.front();
  if (pull.together) {
    for (std::uint32_t w = 0; w < node_.pulls().workers(); ++w) {
      for (const RowSection& section : node_.pulls().delivered(w, pull.step)) {
        fill(section.table, section.rows, section.values, parts);
      }
    }
  } else {
    fill_some(parts);
  }
  pulls_.pop_front();
}

void RowPuller::fill_some(std::span<TouchedTables> parts) {
  if (pulls_.front().together) return;
  for (Question& question : pulls_.front().questions) {
    if (!question.answered || question.filled) continue;
    const std::byte* values = question.answer.data() + sizeof(RowHeader);
    for (const Piece& piece : question.pieces) {
      fill(piece.table, piece.rows, values, parts);
      values += piece.rows.size() * row_bytes(piece.table);
    }
    question.filled = true;
    spare_.give(std::move(question.answer));
  }
}

void RowPuller::fill(std::size_t table, std::span<const std::uint64_t> rows,
                     const std::byte* values, std::span<TouchedTables> parts) const {
  const std::size_t bytes = row_bytes(table);
  for (TouchedTables& part : parts) {
    TouchedRows& touched = part.tables[table];
    const auto wanted = within(touched.rows, {rows.front(), rows.back() + 1});
    auto* to = reinterpret_cast<std::byte*>(touched.values.data()) +
               static_cast<std::size_t>(wanted.data() - touched.rows.data()) * bytes;
    if (wanted.size() == rows.size()) {  // all of them
      std::memcpy(to, values, rows.size() * bytes);
      continue;
    }
    std::size_t n = 0;
    for (const std::uint64_t row : wanted) {
      while (rows[n] != row) ++n;
      std::memcpy(to, values + n * bytes, bytes);
      to += bytes;
    }
  }
}

}  // namespace factorps::ps

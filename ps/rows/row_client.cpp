#include "ps/rows/row_client.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/check.hpp"
#include "common/error.hpp"
#include "common/timer.hpp"

namespace factorps::ps {
namespace {

/// Those of a node among ascending rows.
std::span<const std::uint64_t> within(std::span<const std::uint64_t> rows, RowRange range) {
  const auto first = std::ranges::lower_bound(rows, range.begin);
  return {first, std::ranges::lower_bound(first, rows.end(), range.end)};
}

std::vector<std::uint64_t> union_of(std::span<const TouchedTables> parts, std::size_t table,
                                    RowRange range) {
  std::vector<std::uint64_t> rows;
  for (const TouchedTables& part : parts) {
    const auto some = within(part.tables[table].rows, range);
    rows.insert(rows.end(), some.begin(), some.end());
  }
  std::ranges::sort(rows);
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  return rows;
}

}  // namespace

RowClient::RowClient(comm::Transport& transport, const RowNode& node, RowWorker worker)
    : transport_{transport}, node_{node}, worker_{std::move(worker)}, outbox_{node.layout()} {
  const auto& nodes = node.job().node_of_worker;
  for (std::size_t w = 0; w < nodes.size(); ++w) {
    if (nodes[w] != node.node()) continue;
    if (w == worker_.number) part_ = parts_;
    ++parts_;
  }
}

void RowClient::begin(float rate_factor) {
  rate_factor_ = rate_factor;
  traffic_ = {};
}

void RowClient::request(std::uint64_t step, std::span<const TouchedTables> parts) {
  Pull& pull = pulls_.emplace_back(Pull{step, {}});
  for (int node = 0; node < node_.layout().nodes(); ++node) {
    if (node == node_.node()) continue;
    for (Question& question : questions_to(node, parts)) {
      send(question, step);
      pull.questions.push_back(std::move(question));
    }
  }
}

/// So many that each answer is of the size of a message.
std::vector<RowClient::Question> RowClient::questions_to(
    int node, std::span<const TouchedTables> parts) const {
  const RowLayout& layout = node_.layout();
  Question none{.node = node, .rows = {}, .answer = {}};
  none.rows.resize(layout.tables().size());
  std::vector<Question> questions;
  std::size_t room = 0;
  for (std::size_t t = 0; t < layout.tables().size(); ++t) {
    const std::size_t row_bytes = layout.tables()[t].width * sizeof(float);
    const auto rows = union_of(parts, t, layout.rows_of(t, node));
    for (std::size_t first = 0; first < rows.size();) {
      if (questions.empty() || room < row_bytes) {
        questions.push_back(none);
        room = std::max(node_.job().message_bytes, row_bytes);
      }
      const std::size_t count = std::min(rows.size() - first, room / row_bytes);
      const auto from = rows.begin() + static_cast<std::ptrdiff_t>(first);
      questions.back().rows[t].assign(from, from + static_cast<std::ptrdiff_t>(count));
      room -= count * row_bytes;
      first += count;
    }
  }
  return questions;
}

void RowClient::send(const Question& question, std::uint64_t step) {
  RowHeader header{.step = step};
  for (const auto& rows : question.rows) {
    if (!rows.empty()) header.bytes += section_bytes(RowValues::none, 0, rows.size());
  }
  std::vector<std::byte> body(sizeof header + header.bytes);
  std::memcpy(body.data(), &header, sizeof header);
  std::byte* at = body.data() + sizeof header;
  for (std::size_t t = 0; t < question.rows.size(); ++t) {
    const auto& rows = question.rows[t];
    if (rows.empty()) continue;
    const auto section =
        open_section(at, static_cast<std::uint32_t>(t), RowValues::none, 0, rows.size());
    std::ranges::copy(rows, section.rows);
  }
  traffic_.bytes_sent += body.size();
  transport_.send(server_of(question.node), comm::Tag::pull_rows, std::move(body));
}

/// Every node answers in the order in which it was asked.
void RowClient::take_answers() {
  while (auto envelope = transport_.poll()) {
    if (envelope->tag != comm::Tag::rows) throw ProtocolError{"worker: unexpected message"};
    Question* asked = nullptr;
    for (Pull& pull : pulls_) {
      for (Question& question : pull.questions) {
        const auto role = server_of(question.node);
        if (asked == nullptr && !question.answered && role == envelope->from) asked = &question;
      }
    }
    if (asked == nullptr) throw ProtocolError{"worker: rows that nobody asked for"};
    traffic_.bytes_received += envelope->body.size();
    asked->answer = std::move(envelope->body);
    asked->answered = true;
  }
}

bool RowClient::asks_others() const {
  return !pulls_.empty() && std::ranges::any_of(pulls_.front().questions,
                                                [](const Question& q) { return !q.answered; });
}

bool RowClient::try_pull(std::span<TouchedTables> parts) {
  FACTORPS_CHECK(!pulls_.empty());
  if (node_.layout().nodes() > 1) take_answers();
  const Pull& pull = pulls_.front();
  if (!node_.open(pull.step)) return false;
  if (asks_others()) return false;
  if (node_.job().policy.consistency != Consistency::bsp) {
    const std::uint64_t behind = pull.step - std::min(pull.step, node_.min_clock());
    if (behind > 1) yield();  // they may want this core
    ++traffic_.staleness[std::min<std::uint64_t>(behind, traffic_.staleness.size() - 1)];
  }
  fill_here(parts);
  for (const Question& question : pull.questions) fill_from(question, parts);
  pulls_.pop_front();
  return true;
}

void RowClient::fill_here(std::span<TouchedTables> parts) {
  for (TouchedTables& part : parts) {
    for (std::size_t t = 0; t < part.tables.size(); ++t) {
      TouchedRows& touched = part.tables[t];
      const std::size_t width = node_.layout().tables()[t].width;
      touched.values.resize(touched.rows.size() * width);
      const auto here = within(touched.rows, node_.layout().rows_of(t, node_.node()));
      const auto first = static_cast<std::size_t>(here.data() - touched.rows.data());
      node_.read(t, here, touched.values.data() + first * width);
      traffic_.rows_pulled_here += here.size();
      traffic_.rows_pulled_away += touched.rows.size() - here.size();
    }
  }
}

void RowClient::fill_from(const Question& question, std::span<TouchedTables> parts) const {
  const RowLayout& layout = node_.layout();
  std::size_t at = sizeof(RowHeader);
  for (std::size_t t = 0; t < layout.tables().size(); ++t) {
    const std::size_t width = layout.tables()[t].width;
    const auto& rows = question.rows[t];
    if (rows.empty()) continue;
    const std::size_t bytes = rows.size() * width * sizeof(float);
    if (at + bytes > question.answer.size()) throw ProtocolError{"worker: too few rows came"};
    const auto* values = reinterpret_cast<const float*>(question.answer.data() + at);
    for (TouchedTables& part : parts) {
      TouchedRows& touched = part.tables[t];
      const auto wanted = within(touched.rows, {rows.front(), rows.back() + 1});
      float* to = touched.values.data() +
                  static_cast<std::size_t>(wanted.data() - touched.rows.data()) * width;
      std::size_t n = 0;
      for (const std::uint64_t row : wanted) {
        while (rows[n] != row) ++n;
        std::copy_n(values + n * width, width, to);
        to += width;
      }
    }
    at += bytes;
  }
}

void RowClient::push(std::span<const TouchedTables> parts, std::uint64_t examples) {
  for (const TouchedTables& part : parts) check_gradients(node_.layout(), part);
  const int nodes = node_.layout().nodes();
  // The others first: what they need is under way while this node's rows are changed.
  for (int n = 1; n <= nodes; ++n) push_to((node_.node() + n) % nodes, parts, examples);
  ++step_;
  share_applied_ = !node_.collects();
  node_.clock(worker_.number).store(step_, std::memory_order_release);
}

void RowClient::push_to(int node, std::span<const TouchedTables> parts, std::uint64_t examples) {
  outbox_.collect(node, parts);
  traffic_.gradients_combined += outbox_.combined();
  const RowHeader header{step_, examples, 0, rate_factor_};
  const bool here = node == node_.node();
  (here ? traffic_.rows_pushed_here : traffic_.rows_pushed_away) += outbox_.rows();
  if (!here) {
    for (std::vector<std::byte>& body : outbox_.messages(header, node_.job().message_bytes)) {
      traffic_.bytes_sent += body.size();
      transport_.send(server_of(node), comm::Tag::push_rows, std::move(body));
    }
  } else if (node_.collects()) {
    const auto mailbox = node_.mailbox(worker_.number);
    FACTORPS_CHECK(outbox_.bytes() <= mailbox.size());
    outbox_.write(header, mailbox.data());
  } else {
    outbox_.apply(header, node_);
  }
}

bool RowClient::try_finish() {
  if (node_.layout().nodes() > 1) take_answers();  // and lets pushes go on their way
  if (node_.job().policy.consistency != Consistency::bsp) return true;
  if (!share_applied_) {
    if (node_.min_clock() < step_) return false;
    apply_mailboxes(node_, step_ - 1, part_, parts_);
    share_applied_ = true;
    node_.applied().fetch_add(1, std::memory_order_acq_rel);
  }
  return node_.applied_before(step_);
}

}  // namespace factorps::ps

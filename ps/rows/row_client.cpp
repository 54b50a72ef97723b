#include "ps/rows/row_client.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/check.hpp"
#include "common/timer.hpp"
#include "ps/rows/row_apply.hpp"
#include "ps/rows/row_mailboxes.hpp"

namespace factorps::ps {

RowClient::RowClient(comm::Transport& transport, const RowNode& node, RowWorker worker)
    : transport_{transport},
      node_{node},
      worker_{std::move(worker)},
      part_{node.part_of(worker_.number)},
      parts_{static_cast<std::uint32_t>(node.workers_here().size())},
      outbox_{node.layout()},
      puller_{transport, node, worker_, traffic_} {
  const RowLayout& layout = node.layout();
  for (std::size_t t = 0; t < layout.tables().size(); ++t) {
    here_.push_back(layout.rows_of(t, node.node()));
  }
  own_ = {std::max(worker_.own.begin, here_[0].begin), std::min(worker_.own.end, here_[0].end)};
  if (own_.begin >= own_.end) own_ = {};
}

void RowClient::begin(float rate_factor) {
  rate_factor_ = rate_factor;
  traffic_ = {};
}

bool RowClient::try_pull(std::span<TouchedTables> parts) {
  FACTORPS_CHECK(!puller_.none());
  puller_.advance();
  const std::uint64_t step = puller_.step();
  if (!node_.open(step)) return false;
  if (puller_.waits()) {
    size_values(parts);
    puller_.fill_some(parts);
    return false;
  }
  if (node_.job().policy.consistency != Consistency::bsp) {
    const std::uint64_t behind = step - std::min(step, node_.min_clock());
    if (behind > 1) yield();  // they may want this core
    ++traffic_.staleness[std::min<std::uint64_t>(behind, traffic_.staleness.size() - 1)];
  }
  size_values(parts);
  fill_here(parts);
  puller_.fill(parts);
  return true;
}

void RowClient::size_values(std::span<TouchedTables> parts) const {
  for (TouchedTables& part : parts) {
    for (std::size_t t = 0; t < part.tables.size(); ++t) {
      part.tables[t].values.resize(part.tables[t].rows.size() * node_.layout().tables()[t].width);
    }
  }
}

void RowClient::fill_here(std::span<TouchedTables> parts) {
  for (TouchedTables& part : parts) {
    for (std::size_t t = 0; t < part.tables.size(); ++t) {
      TouchedRows& touched = part.tables[t];
      const std::size_t width = node_.layout().tables()[t].width;
      const auto here = within(touched.rows, here_[t]);
      const auto before = static_cast<std::size_t>(here.data() - touched.rows.data());
      node_.read(t, here, touched.values.data() + before * width);
      traffic_.rows_pulled_here += here.size();
    }
  }
}

void RowClient::push(std::span<const TouchedTables> parts, std::uint64_t examples) {
  for (const TouchedTables& part : parts) check_gradients(node_.layout(), part);
  const RowHeader header{step_, examples, 0, rate_factor_};
  sent_ = !node_.combines();
  if (sent_) {
    // The others first: what they need is under way while this node's rows are changed.
    const int nodes = node_.layout().nodes();
    for (int n = 1; n < nodes; ++n) {
      const int node = (node_.node() + n) % nodes;
      outbox_.collect(parts, node);
      traffic_.gradients_combined += outbox_.combined();
      send_outbox(node, header);
    }
  }
  push_here(parts, header);
  ++step_;
  share_applied_ = !node_.collects();
  node_.clock(worker_.number).store(step_, std::memory_order_release);
}

void RowClient::apply_here(std::span<const TouchedTables> parts, std::span<const RowRange> rows,
                           const RowHeader& header) {
  const Applied applied = apply_parts(node_, parts, rows, header, lists_);
  traffic_.gradients_combined += applied.combined;
  traffic_.rows_pushed_here += applied.rows;
}

/// Rows of this node, and what other nodes are to have together with that of others.
void RowClient::push_here(std::span<const TouchedTables> parts, const RowHeader& header) {
  if (!node_.collects()) return apply_here(parts, here_, header);
  apply_here(parts, std::span{&own_, 1}, header);
  outbox_.collect(parts, sent_ ? std::optional{node_.node()} : std::nullopt, own_);
  traffic_.gradients_combined += outbox_.combined();
  traffic_.rows_pushed_here += sent_ ? outbox_.rows() : outbox_.rows_of(node_.node());
  RowHeader whole = header;
  whole.offset = node_.room_of(worker_.number);
  whole.bytes = outbox_.bytes();
  const auto mailbox = node_.mailbox(node_.node()).subspan(whole.offset);
  FACTORPS_CHECK(whole.bytes <= mailbox.size());
  outbox_.write(mailbox.data());
  node_.pushed(worker_.number) = whole;
}

void RowClient::send_outbox(int node, const RowHeader& header) {
  traffic_.rows_pushed_away += outbox_.rows();
  const comm::RoleId server = worker_.server_of_node.at(static_cast<std::size_t>(node));
  outbox_.send(header, node_.job().message_bytes, puller_.spare(),
               [&](std::vector<std::byte> body) {
                 traffic_.bytes_sent += body.size();
                 transport_.send(server, comm::Tag::push_rows, std::move(body));
               });
}

/// The rows of a worker lie behind those of the workers before it, which may be as many as all of
/// the node have pushed.
bool RowClient::try_send_together() {
  const auto& here = node_.workers_here();
  const auto pushed = [&](std::size_t worker) {
    return node_.clock(worker).load(std::memory_order_acquire) >= step_;
  };
  if (!std::ranges::all_of(here, pushed)) return false;
  const RowMailboxes mailboxes{node_, step_ - 1, false};
  const RowLayout& layout = node_.layout();
  std::vector<std::uint64_t> before(layout.tables().size());
  for (int n = 1; n < layout.nodes(); ++n) {
    const int node = (node_.node() + n) % layout.nodes();
    for (std::size_t t = 0; t < before.size(); ++t) {
      const RowRange rows = layout.rows_of(t, node);
      before[t] = mailboxes.count(t, {rows.begin, slice_of(rows, part_, parts_).begin});
    }
    RowHeader header = mailboxes.header();
    header.offset = part_ == 0 ? 0 : room_for_pushes(layout, node_.job(), before, part_);
    outbox_.collect(mailboxes, node, part_, parts_);
    traffic_.combined_on_node += outbox_.combined();
    send_outbox(node, header);
  }
  return true;
}

bool RowClient::try_finish() {
  puller_.advance();  // and lets pushes go on their way
  if (node_.job().policy.consistency != Consistency::bsp) return true;
  if (!sent_) sent_ = try_send_together();
  if (!sent_) return false;
  if (!share_applied_) {
    if (node_.min_clock() < step_) return false;
    apply_mailboxes(node_, step_ - 1, part_, parts_, lists_);
    share_applied_ = true;
    node_.applied().fetch_add(1, std::memory_order_acq_rel);
  }
  return node_.applied_before(step_);
}

}  // namespace factorps::ps

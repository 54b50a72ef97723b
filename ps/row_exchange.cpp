#include "ps/row_exchange.hpp"

#include <span>
#include <utility>

#include <fmt/format.h>

namespace factorps::ps {
namespace {

constexpr std::size_t kPosted = 4;  // receives that wait at a time

}  // namespace

RowExchange::RowExchange(comm::Transport& transport, comm::RoleId previous,
                         std::unique_ptr<comm::RingLink> ring, const Placement& placement, int node,
                         const Tables& tables, TraceRecorder* trace)
    : transport_{transport},
      previous_{previous},
      ring_{std::move(ring)},
      placement_{placement},
      node_{node},
      tables_{tables},
      trace_{trace} {}

std::string RowExchange::waits_for() const {
  return fmt::format("rows of other nodes: {} of {} parts are in, {} of {} are out", arrived_,
                     incoming_.size(), gone_, outgoing_.size());
}

void RowExchange::begin(const comm::StartPass& pass) {
  pass_ = pass;
  traffic_ = {};
  sent_before_ += outgoing_.size();
  received_before_ += incoming_.size();
  outgoing_.clear();
  incoming_.clear();
  own_ = sending_ = gone_ = posted_ = arrived_ = 0;
  users_ = pass.kind == comm::PassKind::solve_users;
  if (!users_ && pass.kind != comm::PassKind::solve_items) return;
  ++(users_ ? user_passes_ : item_passes_);
  // The last node of each sequence is the one before whoever gets it: he has the rest himself.
  outgoing_ = sequence(node_, placement_.nodes() - 1);
  incoming_ = sequence(placement_.previous(node_), placement_.nodes() - 1);
  own_ = sequence(node_, 1).size();
  since_ = Clock::now();
  while (post()) {
  }
}

std::vector<std::uint32_t> RowExchange::sequence(int first, int nodes) const {
  std::vector<std::uint32_t> ranges;
  const auto add = [&](std::uint32_t range) {
    if (rows_of(range).rows > 0) ranges.push_back(range);
  };
  int node = first;
  for (int n = 0; n < nodes; ++n, node = placement_.previous(node)) {
    if (users_) {
      const Share strips = placement_.strips(node);
      for (std::uint32_t s = strips.begin; s < strips.end; ++s) add(s);
    } else {
      for (const BlockId block : placement_.homes(node)) add(block.value());
    }
  }
  return ranges;
}

RowsView RowExchange::rows_of(std::uint32_t range) const {
  return users_ ? tables_.strip(StripId{range}) : tables_.block(BlockId{range});
}

/// A strip is solved in as many pieces as there are blocks, a block in as many as strips.
bool RowExchange::solved(std::uint32_t range) const {
  const Grid& grid = tables_.grid();
  return users_ ? tables_.progress(StripId{range}).load(std::memory_order_acquire) ==
                      user_passes_ * grid.blocks()
                : tables_.turns(BlockId{range}).load(std::memory_order_acquire) ==
                      item_passes_ * grid.strips();
}

comm::Parcel RowExchange::parcel(std::uint32_t range) const {
  const RowsView rows = rows_of(range);
  return {std::as_writable_bytes(std::span{rows.factors, rows.rows * rows.stride})};
}

bool RowExchange::step() {
  bool moved = false;
  for (const std::uint64_t sent = ring_->sent() - sent_before_; gone_ < sent; ++gone_) moved = true;
  for (const std::uint64_t got = ring_->received() - received_before_; arrived_ < got; ++arrived_) {
    moved = true;
  }
  while (post()) moved = true;
  while (send()) moved = true;
  if (moved && trace_ != nullptr) {
    const auto now = Clock::now();
    trace_->extend({since_, now, TraceKind::send_block, pass_.epoch, 0, 0, traffic_.bytes});
    since_ = now;
  }
  return moved;
}

/// What comes from others may go on when it has arrived.
bool RowExchange::send() {
  if (sending_ == outgoing_.size() || sent_before_ + sending_ == credits_) return false;
  const std::uint32_t range = outgoing_[sending_];
  if (sending_ < own_ ? !solved(range) : sending_ - own_ >= arrived_) return false;
  comm::Parcel pieces = parcel(range);
  traffic_.bytes += pieces.front().size();
  ++traffic_.blocks;
  ring_->send(std::move(pieces));
  ++sending_;
  return true;
}

bool RowExchange::post() {
  if (posted_ == incoming_.size() || posted_ - arrived_ >= kPosted) return false;
  ring_->receive(parcel(incoming_[posted_++]));
  transport_.send(previous_, comm::Tag::credit, {});
  return true;
}

}  // namespace factorps::ps

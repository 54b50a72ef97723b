#include "ps/block_mover.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/error.hpp"

namespace factorps::ps {
namespace {

void clear_blank_rows(RowsView rows) {
  std::fill_n(rows.factors + rows.rows * rows.stride, kBlankRows * rows.stride, 0.0F);
  std::fill_n(rows.states + rows.rows, kBlankRows, RowState{});
}

/// Bytes of a message of lower halves.
constexpr std::size_t kMessage = std::size_t{1} << 20;

std::span<float> factors_of(RowsView rows) { return {rows.factors, rows.rows * rows.stride}; }

}  // namespace

BlockMover::BlockMover(comm::Transport& transport, RingNeighbours neighbours,
                       std::unique_ptr<comm::RingLink> ring, const Placement& placement, int node,
                       const Tables& tables, Residents residents, TraceRecorder* trace)
    : transport_{transport},
      neighbours_{neighbours},
      ring_{std::move(ring)},
      placement_{placement},
      node_{node},
      tables_{tables},
      residents_{std::move(residents)},
      trace_{trace} {
  for (std::uint32_t b = 0; b < placement.blocks(); ++b) tables.turns(BlockId{b}) = kAbsent;
  std::uint32_t place = 0;
  for (const BlockId block : placement.homes(node)) {
    tables.set_home(block, place);
    tables.put(block, place++);
    tables.turns(block) = 0;
  }
}

void BlockMover::begin(const comm::StartPass& pass, WireFormat wire) {
  wire_ = wire;
  pass_ = pass;
  traffic_ = {};
  target_ = (pass.pass + 1) * placement_.crossings();
  while (post()) {
  }
}

bool BlockMover::step() {
  bool moved = false;
  while (let_go()) moved = true;
  while (take_in()) moved = true;
  while (post()) moved = true;
  return moved;
}

bool BlockMover::finished() const noexcept { return gone_ == target_ && arrivals_ == target_; }

std::string BlockMover::waits_for() const {
  return fmt::format("blocks of other nodes: {} of {} are in, {} of {} are out, {} may leave",
                     arrivals_, target_, gone_, target_, credits_ - leaving_);
}

/// Sends the oldest visitor on when its visit has ended, and notes what has left.
bool BlockMover::let_go() {
  bool moved = false;
  for (const std::uint64_t sent = ring_->sent(); gone_ < sent; ++gone_, moved = true) {
    record(TraceKind::send_block, out_.front());
    out_.pop_front();
  }
  if (leaving_ == std::min(credits_, target_)) return moved;
  const BlockId block = placement_.visitor(node_, leaving_);
  const std::uint64_t turns = placement_.turns_at_departure(node_, leaving_);
  if (tables_.turns(block).load(std::memory_order_acquire) != turns) return moved;
  tables_.turns(block).store(kAbsent, std::memory_order_relaxed);
  Crossing& crossing = begin_crossing(out_);
  crossing.header = {block.value(), 0, turns};
  const RowsView rows = cargo(leaving_, crossing);
  if (residents_.in_part(block)) {
    gather_rows(rows_of(leaving_), residents_.travelling(block), rows);
    gather_rows(rows_of(leaving_), residents_.staying(block), residents_.kept(block));
  }
  comm::Parcel pieces = parcel(rows, crossing);
  if (wire_ == WireFormat::bf16) encode(rows, crossing);
  traffic_.bytes += crossing.bytes;
  ++traffic_.blocks;
  ring_->send(std::move(pieces));
  ++leaving_;
  return true;
}

/// Whether this is the pass of the epoch in which the block was worked on before it leaves. Who
/// left out a cell, and released the block then, had seen the pause.
bool BlockMover::rounds(std::uint64_t visit) const {
  const std::uint64_t step = placement_.step_at_departure(node_, visit);
  const std::uint64_t begin = pass_.pass * placement_.steps();
  const std::uint64_t pause = tables_.pause().load(std::memory_order_seq_cst);
  return step >= pass_.first_step && (pause <= begin || begin + step < pause);
}

void BlockMover::encode(RowsView rows, Crossing& crossing) {
  if (rounds(leaving_)) return to_bf16(factors_of(rows), crossing.encoded);
  crossing.header.halves = 1;
  std::vector<std::uint16_t> lower(crossing.encoded.size());
  split(factors_of(rows), crossing.encoded, lower);
  for (auto rest = std::as_bytes(std::span{lower}); !rest.empty();) {
    const auto piece = rest.first(std::min(kMessage, rest.size()));
    transport_.send(neighbours_.next, comm::Tag::lower_halves, {piece.begin(), piece.end()});
    traffic_.bytes += piece.size();
    rest = rest.subspan(piece.size());
  }
}

bool BlockMover::decode(const Crossing& crossing, std::span<float> factors) {
  if (crossing.header.halves == 0) {
    from_bf16(crossing.encoded, factors);
    return true;
  }
  std::vector<std::uint16_t> lower(factors.size());
  const auto bytes = std::as_writable_bytes(std::span{lower});
  if (lower_.size() < bytes.size()) return false;
  const auto end = lower_.begin() + static_cast<std::ptrdiff_t>(bytes.size());
  std::copy(lower_.begin(), end, bytes.begin());
  lower_.erase(lower_.begin(), end);
  join(crossing.encoded, lower, factors);
  return true;
}

bool BlockMover::take_in() {
  if (arrivals_ == ring_->received()) return false;
  const std::uint64_t visit = placement_.visit_of_arrival(node_, arrivals_);
  const BlockId block = placement_.visitor(node_, visit);
  Crossing& crossing = in_.front();
  const comm::BlockHeader header = crossing.header;
  const std::uint64_t turns = placement_.turns_at_arrival(node_, visit);
  if (header.block != block.value() || header.turns != turns) {
    throw ProtocolError{fmt::format("block {} came at turn {}; expected block {} at turn {}",
                                    header.block, header.turns, block.value(), turns)};
  }
  if (wire_ == WireFormat::bf16 && !decode(crossing, factors_of(cargo(visit, crossing)))) {
    return false;
  }
  const RowsView rows = rows_of(visit);
  if (residents_.in_part(block)) {
    scatter_rows(cargo(visit, crossing), residents_.travelling(block), rows);
    scatter_rows(residents_.kept(block), residents_.staying(block), rows);
  }
  clear_blank_rows(rows);
  tables_.put(block, place_of(visit));
  tables_.turns(block).store(turns, std::memory_order_release);
  record(TraceKind::receive_block, crossing);
  in_.pop_front();
  ++arrivals_;
  return true;
}

/// Awaits the next arrival if there is a place for it.
bool BlockMover::post() {
  const std::uint64_t visit = placement_.visit_of_arrival(node_, awaited_);
  if (awaited_ == target_ || visit - gone_ >= placement_.places(node_)) return false;
  Crossing& crossing = begin_crossing(in_);
  ring_->receive(parcel(cargo(visit, crossing), crossing));
  transport_.send(neighbours_.previous, comm::Tag::credit, {});
  ++awaited_;
  return true;
}

std::uint32_t BlockMover::place_of(std::uint64_t visit) const {
  return static_cast<std::uint32_t>(visit % placement_.places(node_));
}

RowsView BlockMover::rows_of(std::uint64_t visit) const {
  return tables_.block_in_place(placement_.visitor(node_, visit), place_of(visit));
}

RowsView BlockMover::cargo(std::uint64_t visit, Crossing& crossing) const {
  const RowsView rows = rows_of(visit);
  const BlockId block = placement_.visitor(node_, visit);
  if (!residents_.in_part(block)) return rows;
  const std::size_t travelling = residents_.travelling(block).size();
  if (crossing.states.size() != travelling) {
    crossing.factors = AlignedBuffer<float>{travelling * rows.stride};
    crossing.states = AlignedBuffer<RowState>{travelling};
  }
  return {crossing.factors.data(), crossing.states.data(), rows.stride, travelling};
}

comm::Parcel BlockMover::parcel(RowsView cargo, Crossing& crossing) const {
  const auto header = std::as_writable_bytes(std::span{&crossing.header, 1});
  const auto states = std::as_writable_bytes(std::span{cargo.states, cargo.rows});
  auto factors = std::as_writable_bytes(factors_of(cargo));
  if (wire_ == WireFormat::bf16) {
    crossing.encoded.resize(factors_of(cargo).size());
    factors = std::as_writable_bytes(std::span{crossing.encoded});
  }
  crossing.bytes = header.size() + factors.size() + states.size();
  return {header, factors, states};
}

BlockMover::Crossing& BlockMover::begin_crossing(std::deque<Crossing>& crossings) const {
  Crossing& crossing = crossings.emplace_back();
  if (trace_ != nullptr) crossing.since = Clock::now();
  return crossing;
}

void BlockMover::record(TraceKind kind, const Crossing& crossing) const {
  if (trace_ == nullptr) return;
  trace_->add({.start = crossing.since,
               .end = Clock::now(),
               .kind = kind,
               .epoch = pass_.epoch,
               .block = crossing.header.block,
               .amount = crossing.bytes});
}

}  // namespace factorps::ps

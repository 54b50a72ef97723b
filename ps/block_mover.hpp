/// Moves the blocks of a node along the ring: out when their visit ends, in ahead of need.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "comm/messages.hpp"
#include "comm/ring_link.hpp"
#include "comm/transport.hpp"
#include "common/trace.hpp"
#include "ps/placement.hpp"
#include "ps/residents.hpp"
#include "ps/shard_store.hpp"
#include "ps/tables.hpp"
#include "ps/wire.hpp"

namespace factorps::ps {

/// The roles that move the blocks of the nodes beside a node in the ring.
struct RingNeighbours {
  comm::RoleId previous = 0;  ///< gets the credits
  comm::RoleId next = 0;      ///< gets the blocks
};

/// One per node, part of its first server. A receive is posted as soon as there is a place for the
/// next block, then the previous node gets a credit for it: so nobody sends what nobody awaits.
/// Rows, optimizer state and the turn counter travel together.
///
/// With bf16 factors are rounded when a block leaves a node after its cells there. Where a pass
/// pauses, or goes on from a pause, it leaves some nodes without having been worked on, or in the
/// middle of its cells: then it travels as it is, in two halves. So each crossing of an epoch
/// rounds once, and at the same values, wherever it paused.
class BlockMover {
 public:
  /// @param residents of this node; every node must have the same idea of what travels
  /// @param trace none: nothing is recorded
  /// References must outlive the object. Puts the home blocks in their places.
  BlockMover(comm::Transport& transport, RingNeighbours neighbours,
             std::unique_ptr<comm::RingLink> ring, const Placement& placement, int node,
             const Tables& tables, Residents residents, TraceRecorder* trace = nullptr);

  /// @param wire of the factors in this pass, alike on every node; state stays as it is
  void begin(const comm::StartPass& pass, WireFormat wire);
  void credit() noexcept { ++credits_; }
  /// @param body of a message of lower halves
  void take_lower_halves(std::span<const std::byte> body) {
    lower_.insert(lower_.end(), body.begin(), body.end());
  }
  /// Never blocks. @return whether anything moved
  bool step();
  /// Whether every block of the pass has come home.
  [[nodiscard]] bool finished() const noexcept;
  /// What finished() still misses, for people.
  [[nodiscard]] std::string waits_for() const;
  /// Of the pass.
  [[nodiscard]] const Traffic& traffic() const noexcept { return traffic_; }
  /// What stays here of blocks that are elsewhere.
  [[nodiscard]] const Residents& residents() const noexcept { return residents_; }

 private:
  /// A parcel under way, and what of it does not lie in the tables.
  struct Crossing {
    comm::BlockHeader header;
    AlignedBuffer<float> factors;  // rows of a block that travels in part
    AlignedBuffer<RowState> states;
    std::vector<std::uint16_t> encoded;  // factors, unless they go as they are
    std::uint64_t bytes = 0;             // in all, without lower halves
    Clock::time_point since;             // for the trace
  };

  bool let_go();
  [[nodiscard]] bool rounds(std::uint64_t visit) const;
  /// For the next departure. @param rows that travel
  void encode(RowsView rows, Crossing& crossing);
  /// @return whether all of it has come
  [[nodiscard]] bool decode(const Crossing& crossing, std::span<float> factors);
  bool take_in();
  bool post();
  [[nodiscard]] std::uint32_t place_of(std::uint64_t visit) const;
  [[nodiscard]] RowsView rows_of(std::uint64_t visit) const;
  /// The rows that travel: those of the block in its place, or packed in the crossing.
  [[nodiscard]] RowsView cargo(std::uint64_t visit, Crossing& crossing) const;
  [[nodiscard]] comm::Parcel parcel(RowsView cargo, Crossing& crossing) const;
  [[nodiscard]] Crossing& begin_crossing(std::deque<Crossing>& crossings) const;
  void record(TraceKind kind, const Crossing& crossing) const;

  comm::Transport& transport_;
  RingNeighbours neighbours_;
  std::unique_ptr<comm::RingLink> ring_;
  const Placement& placement_;
  int node_;
  const Tables& tables_;
  Residents residents_;
  TraceRecorder* trace_;
  comm::StartPass pass_;
  std::uint64_t target_ = 0;    // crossings at the end of the pass
  std::uint64_t credits_ = 0;   // departures that the next node has room for
  std::uint64_t leaving_ = 0;   // departures begun
  std::uint64_t gone_ = 0;      // departures completed
  std::uint64_t awaited_ = 0;   // arrivals posted
  std::uint64_t arrivals_ = 0;  // arrivals completed
  WireFormat wire_ = WireFormat::fp32;
  std::deque<Crossing> out_;      // departures under way
  std::deque<Crossing> in_;       // arrivals posted
  std::vector<std::byte> lower_;  // halves that have come, from the oldest arrival on
  Traffic traffic_;
};

}  // namespace factorps::ps

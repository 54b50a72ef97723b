#include "ps/stream_node.hpp"

#include <algorithm>

#include "common/aligned_buffer.hpp"
#include "common/check.hpp"
#include "common/error.hpp"

namespace factorps::ps {
namespace {

using Counter = std::atomic<std::uint64_t>;
static_assert(Counter::is_always_lock_free, "shared between processes");

/// The most units that a pass has.
std::uint64_t most_units(const StreamMap& map, int node, std::size_t tiles) {
  const Share strips = map.placement().strips(node);
  const std::uint64_t here = strips.end - strips.begin;
  return std::max({here + map.placement().homes(node).size(), here * map.grid().blocks(),
                   map.batches(Side::users, node).size(), map.batches(Side::items, node).size(),
                   tiles * map.gram_pieces(Side::users, node).size(),
                   tiles * map.gram_pieces(Side::items, node).size()});
}

}  // namespace

StreamNode::Plan StreamNode::plan(std::uint64_t units, std::uint64_t batches) {
  OffsetCursor cursor;
  Plan plan;
  plan.open = cursor.take(kAlignment);
  plan.complete = cursor.take(kAlignment);
  plan.done = cursor.take(units * sizeof(Counter));
  plan.losses = cursor.take(batches * sizeof(double));
  plan.bytes = cursor.take(0);
  return plan;
}

std::size_t StreamNode::bytes_needed(const StreamMap& map, int node, std::size_t stride) {
  return plan(most_units(map, node, GramSums{{}, stride, gram_tile(stride)}.tiles()),
              map.batches(Side::users, node).size())
      .bytes;
}

StreamNode::StreamNode(std::span<std::byte> memory, const AlsTables& als, const StreamMap& map,
                       int node)
    : memory_{memory},
      als_{als},
      map_{map},
      node_{node},
      strips_{map.placement().strips(node)},
      batches_{map.batches(Side::users, node), map.batches(Side::items, node)},
      pieces_{map.gram_pieces(Side::users, node), map.gram_pieces(Side::items, node)},
      blocks_{map.blocks_in_turn(node)},
      plan_{plan(most_units(map, node, tiles()), batches_[0].size())} {
  FACTORPS_CHECK(memory.size() >= plan_.bytes);
}

std::uint64_t StreamNode::units(comm::PassKind kind) const {
  switch (kind) {
    case comm::PassKind::index_rows:
      return strips() + als_.share().blocks.size();
    case comm::PassKind::solve_users:
      return batches(Side::users).size();
    case comm::PassKind::solve_items:
      return batches(Side::items).size();
    case comm::PassKind::gram_users:
      return gram_pieces(Side::users).size() * tiles();
    case comm::PassKind::gram_items:
      return gram_pieces(Side::items).size() * tiles();
    case comm::PassKind::evaluate:
    case comm::PassKind::rank_scores:
    case comm::PassKind::rank_counts:
      return std::uint64_t{strips()} * blocks_.size();
    default:
      throw ProtocolError{"streamed least squares has no such pass"};
  }
}

Counter& StreamNode::open() const {
  return *reinterpret_cast<Counter*>(memory_.data() + plan_.open);
}
Counter& StreamNode::complete() const {
  return *reinterpret_cast<Counter*>(memory_.data() + plan_.complete);
}
Counter& StreamNode::done(std::uint64_t unit) const {
  return *(reinterpret_cast<Counter*>(memory_.data() + plan_.done) + unit);
}
double& StreamNode::loss(std::uint64_t batch) const {
  return *(reinterpret_cast<double*>(memory_.data() + plan_.losses) + batch);
}

/// Added up as AlsWork adds: the batches of a slice, then the slices.
CellSums StreamNode::sums_of(StripId strip) const {
  const std::uint32_t range = strip.value() - strips_.begin;
  const Batches& all = batches(Side::users);
  CellSums total{};
  total[0] = static_cast<double>(als_.lists(strip).others.size());
  for (std::uint32_t slice = 0; slice < map_.grid().blocks(); ++slice) {
    double sum = 0;
    for (std::uint64_t n = all.first(range, slice); n < all.first(range, slice + 1); ++n) {
      sum += loss(n);
    }
    total[1] += sum;
  }
  return total;
}

}  // namespace factorps::ps

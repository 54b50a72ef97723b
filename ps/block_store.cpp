#include "ps/block_store.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/error.hpp"
#include "model/initial.hpp"
#include "ps/leases.hpp"
#include "ps/model_export.hpp"

namespace factorps::ps {
namespace {

/// Also where a load has failed half way. @param table_row of row r
template <class TableRow>
void initialise_rows(RowsView rows, std::size_t dim, std::span<const std::uint32_t> counts,
                     const ServerOptions& options, Purpose table, TableRow table_row) {
  for (std::uint64_t r = 0; r < rows.rows; ++r) {
    const std::uint64_t row = table_row(r);
    std::fill_n(rows.factors + r * rows.stride, rows.stride, 0.0F);
    rows.states[r] = {};
    if (counts[row] == 0) continue;  // cold
    initial_row({rows.factors + r * rows.stride, dim}, row, options.seed, table, options.init_std);
  }
}

/// What the node's servers share of the rows of all other nodes.
void add_copies(const Placement& placement, int node, std::span<Shard> servers) {
  std::size_t next = 0;
  for (int other = 0; other < placement.nodes(); ++other) {
    if (other == node) continue;
    const Share strips = placement.strips(other);
    for (std::uint32_t s = strips.begin; s < strips.end; ++s) {
      servers[next++ % servers.size()].copied_strips.emplace_back(s);
    }
    for (const BlockId block : placement.homes(other)) {
      servers[next++ % servers.size()].copied_blocks.push_back(block);
    }
  }
}

}  // namespace

std::vector<Shard> shards_of(const JobLayout& layout, const Placement& placement, bool copies) {
  std::vector<Shard> shards;
  for (int node = 0; node < placement.nodes(); ++node) {
    const std::vector<BlockId> homes = placement.homes(node);
    const Share strips = placement.strips(node);
    const std::vector<int> servers = servers_of_node(layout, node);
    const auto parts = static_cast<int>(servers.size());
    for (int part = 0; part < parts; ++part) {
      const Share own = share_of(strips.end - strips.begin, part, parts);
      const Share blocks = share_of(static_cast<std::uint32_t>(homes.size()), part, parts);
      shards.push_back({servers[static_cast<std::size_t>(part)],
                        {strips.begin + own.begin, strips.begin + own.end},
                        {homes.begin() + blocks.begin, homes.begin() + blocks.end},
                        {},
                        {}});
    }
    if (copies) add_copies(placement, node, std::span{shards}.last(servers.size()));
  }
  return shards;
}

BlockStore::BlockStore(Shard shard, const Tables& tables, const Dataset& dataset,
                       std::uint32_t steps_per_pass, ServerOptions options,
                       std::unique_ptr<BlockMover> mover, AlsNode als)
    : shard_{std::move(shard)},
      tables_{tables},
      dataset_{dataset},
      steps_per_pass_{steps_per_pass},
      options_{options},
      mover_{std::move(mover)},
      als_{std::move(als)} {
  if (als_.tables != nullptr) units_.emplace(als_.tables->counter());
}

/// Rounding in passes that only look would make the model depend on how often they look.
void BlockStore::begin(const comm::StartPass& start) {
  pass_ = start;
  if (units_) {
    units_->begin(als_.streamed != nullptr ? als_.streamed->units(start.kind)
                                           : als_.tables->units(start.kind));
  }
  if (als_.exchange) als_.exchange->begin(start);
  if (als_.stream) als_.stream->begin(start);
  if (!mover_) return;
  const bool training = start.kind == comm::PassKind::train;
  mover_->begin(start, training ? options_.wire : WireFormat::fp32);
}

void BlockStore::receive(comm::Envelope envelope) {
  if (als_.stream) return als_.stream->receive(std::move(envelope));
  if (mover_ && envelope.tag == comm::Tag::lower_halves) {
    return mover_->take_lower_halves(envelope.body);
  }
  if (envelope.tag != comm::Tag::credit) throw ProtocolError{"server: unexpected message"};
  if (!mover_ && !als_.exchange) {
    throw ProtocolError{"server: credit for a node without neighbours"};
  }
  mover_ ? mover_->credit() : als_.exchange->credit();
}

bool BlockStore::finished() const { return work_finished() && rows_moved(); }

/// The workers may end their last cell at any moment, also between step() and this.
std::string BlockStore::waits_for() const {
  if (als_.stream) return als_.stream->waits_for();
  if (work_finished()) {
    if (als_.streamed != nullptr) return "the first server of its node";
    if (als_.exchange) return als_.exchange->waits_for();
    return mover_ ? mover_->waits_for() : "nothing";
  }
  const std::string work = units_ ? "the workers of its node"
                                  : fmt::format("the workers to end strips {} to {}",
                                                shard_.strips.begin, shard_.strips.end - 1);
  return mover_ ? work + ", and " + mover_->waits_for() : work;
}

std::string BlockStore::write_model(const comm::Command& command) const {
  ModelInfo info;
  info.dim = tables_.dim();
  info.mu = options_.mean ? dataset_.train_mean() : 0.0;
  const auto rows = command.shards.empty()
                        ? rows_in_memory(tables_)
                        : rows_in_files({command.shards.begin(), command.shards.end()},
                                        tables_.grid(), tables_.dim());
  return export_model(rows, std::move(info), dataset_, command.directory, command.provenance,
                      options_.stored);
}

void BlockStore::initialise() {
  const Grid& grid = tables_.grid();
  const std::size_t dim = tables_.dim();
  for (const StripId strip : strips_here()) {
    const std::uint64_t first = grid.users_of(strip).begin;
    initialise_rows(tables_.strip(strip), dim, dataset_.user_counts(), options_, Purpose::init_user,
                    [&](std::uint64_t r) { return first + r; });
  }
  for (const BlockId block : blocks_here()) {
    const std::uint64_t first = grid.items_of(block).begin;
    initialise_rows(tables_.block(block), dim, dataset_.item_counts(), options_, Purpose::init_item,
                    [&](std::uint64_t r) { return first + r; });
  }
  for (const BlockId block : blocks_with_residents()) {
    const std::uint64_t first = grid.items_of(block).begin;
    const auto which = mover_->residents().staying(block);
    initialise_rows(mover_->residents().kept(block), dim, dataset_.item_counts(), options_,
                    Purpose::init_item, [&](std::uint64_t r) { return first + which[r]; });
  }
  fill_bias_columns();
}

std::vector<ShardPart> BlockStore::parts(std::uint32_t step) const {
  const std::size_t dim = tables_.dim();
  std::vector<ShardPart> parts;
  for (std::uint32_t s = shard_.strips.begin; s < shard_.strips.end; ++s) {
    parts.push_back(rows_part(RowsKind::strip, s, tables_.strip(StripId{s}), dim));
    parts.back().sums = sums_in_file(StripId{s}, step);
  }
  for (const BlockId block : shard_.blocks) {
    parts.push_back(rows_part(RowsKind::block, block.value(), tables_.block(block), dim));
  }
  for (const BlockId block : blocks_with_residents()) parts.push_back(residents_part_of(block));
  return parts;
}

ShardPart BlockStore::residents_part_of(BlockId block) const {
  return residents_part(block.value(), mover_->residents().staying(block),
                        mover_->residents().kept(block), tables_.dim());
}

/// Workers copy what they lease; rows that stay here have no other master than this server.
Cut BlockStore::cut(std::uint64_t number, std::uint32_t step,
                    std::vector<AlignedBuffer<std::byte>> spare) {
  if (!tables_.has_copies()) return ShardStore::cut(number, step, std::move(spare));
  const std::size_t dim = tables_.dim();
  Cut cut{number, {}, {}, std::move(spare)};
  for (std::uint32_t s = shard_.strips.begin; s < shard_.strips.end; ++s) {
    const StripId strip{s};
    cut.parts.push_back(
        {rows_part(RowsKind::strip, s, tables_.copy_of(strip), dim), &tables_.cut_of(strip)});
    cut.parts.back().part.sums = sums_in_file(strip, step);
  }
  for (const BlockId block : shard_.blocks) {
    cut.parts.push_back({rows_part(RowsKind::block, block.value(), tables_.copy_of(block), dim),
                         &tables_.cut_of(block)});
  }
  for (const BlockId block : blocks_with_residents()) cut.add_copy(residents_part_of(block));
  return cut;
}

void BlockStore::copy_rest(std::uint64_t cut) {
  if (!tables_.has_copies()) return;
  for (std::uint32_t s = shard_.strips.begin; s < shard_.strips.end; ++s) {
    tables_.copy_for_cut(StripId{s}, cut);
  }
  for (const BlockId block : shard_.blocks) tables_.copy_for_cut(block, cut);
}

std::uint32_t BlockStore::hold() {
  return hold_pass(tables_, shard_.strips, {pass_.pass, steps_per_pass_});
}

void BlockStore::pause(std::uint32_t step) {
  pause_pass(tables_, step, {pass_.pass, steps_per_pass_});
}

/// Of training, as they are now; none between epochs. Least squares sum all in their last pass.
std::vector<double> BlockStore::sums_in_file(StripId strip, std::uint32_t step) const {
  std::vector<double> sums;
  if (als_.tables != nullptr) return sums;
  for (std::uint32_t b = 0; step > 0 && b < tables_.grid().blocks(); ++b) {
    const CellSums& cell = tables_.sums(strip, BlockId{b});
    sums.insert(sums.end(), {cell[0], cell[1]});
  }
  return sums;
}

void BlockStore::load_sums(ShardReader& reader) const {
  const std::uint32_t blocks = tables_.grid().blocks();
  for (std::uint32_t s = shard_.strips.begin; s < shard_.strips.end; ++s) {
    const auto sums = reader.read_sums(s, 2 * std::size_t{blocks});
    for (std::uint32_t b = 0; b < blocks; ++b) {
      const std::size_t at = 2 * std::size_t{b};
      tables_.sums(StripId{s}, BlockId{b}) = {sums[at], sums[at + 1]};
    }
  }
}

void BlockStore::load(ShardReader& reader, std::uint32_t step) {
  if (step > 0 && als_.tables == nullptr) load_sums(reader);
  const std::size_t dim = tables_.dim();
  for (const StripId strip : strips_here()) {
    reader.read(RowsKind::strip, strip.value(), tables_.strip(strip), dim);
  }
  for (const BlockId block : blocks_here()) {
    reader.read(RowsKind::block, block.value(), tables_.block(block), dim);
  }
  for (const BlockId block : blocks_with_residents()) {
    const RowsView kept = mover_->residents().kept(block);
    const std::size_t items = tables_.grid().items_of(block).size();
    AlignedBuffer<float> factors{items * kept.stride};
    std::vector<RowState> states(items);
    const RowsView whole{factors.data(), states.data(), kept.stride, items};
    reader.read(RowsKind::block, block.value(), whole, dim);
    gather_rows(whole, mover_->residents().staying(block), kept);
  }
  fill_bias_columns();
}

void BlockStore::fill_bias_columns() const {
  if (als_.tables == nullptr) return;
  const AlsTables& als = *als_.tables;
  for (const StripId strip : strips_here()) als.fill(tables_.strip(strip), als.columns_of_users());
  for (const BlockId block : blocks_here()) als.fill(tables_.block(block), als.columns_of_items());
}

/// Own ones and copies.
std::vector<StripId> BlockStore::strips_here() const {
  std::vector<StripId> strips = shard_.copied_strips;
  for (std::uint32_t s = shard_.strips.begin; s < shard_.strips.end; ++s) strips.emplace_back(s);
  return strips;
}

std::vector<BlockId> BlockStore::blocks_here() const {
  std::vector<BlockId> blocks = shard_.copied_blocks;
  blocks.insert(blocks.end(), shard_.blocks.begin(), shard_.blocks.end());
  return blocks;
}

/// Blocks of other homes of which this node keeps rows; those of the home blocks are in place.
std::vector<BlockId> BlockStore::blocks_with_residents() const {
  std::vector<BlockId> blocks;
  if (!mover_) return blocks;
  for (std::uint32_t b = 0; b < tables_.grid().blocks(); ++b) {
    const BlockId block{b};
    const bool home = tables_.turns(block).load(std::memory_order_relaxed) != kAbsent;
    if (!home && !mover_->residents().staying(block).empty()) blocks.push_back(block);
  }
  return blocks;
}

bool BlockStore::step() {
  if (als_.exchange) return als_.exchange->step();
  if (als_.stream) return als_.stream->step();
  return mover_ && mover_->step();
}

bool BlockStore::rows_moved() const {
  if (als_.exchange) return als_.exchange->finished();
  if (als_.streamed != nullptr) {
    return als_.streamed->complete().load(std::memory_order_acquire) == pass_.pass + 1;
  }
  return !mover_ || mover_->finished();
}

bool BlockStore::work_finished() const {
  if (units_) return units_->finished();
  const std::uint64_t target = 2 * (pass_.pass + 1) * steps_per_pass_;
  for (std::uint32_t s = shard_.strips.begin; s < shard_.strips.end; ++s) {
    if (tables_.progress(StripId{s}).load(std::memory_order_acquire) < target) return false;
  }
  return true;
}

/// What belongs to no strip counts for the first.
CellSums BlockStore::sums_of(StripId strip) const {
  CellSums total{};
  switch (pass_.kind) {
    case comm::PassKind::index_rows:
    case comm::PassKind::solve_items:
    case comm::PassKind::gram_items:
      return total;
    case comm::PassKind::gram_users:
      if (strip == StripId{0}) {
        total[1] = inner_product(als_.tables->gram_of_users(), als_.tables->gram_of_items());
      }
      return total;
    case comm::PassKind::solve_users:
      if (als_.streamed != nullptr) return als_.streamed->sums_of(strip);
      break;
    default:
      break;
  }
  for (std::uint32_t b = 0; b < tables_.grid().blocks(); ++b) {
    const CellSums& cell = tables_.sums(strip, BlockId{b});
    for (std::size_t k = 0; k < total.size(); ++k) total[k] += cell[k];
  }
  return total;
}

Traffic BlockStore::traffic() const {
  if (als_.exchange) return als_.exchange->traffic();
  if (als_.stream) return als_.stream->traffic();
  return mover_ ? mover_->traffic() : Traffic{};
}

}  // namespace factorps::ps

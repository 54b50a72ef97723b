#include "ps/row_stream.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "common/error.hpp"
#include "ps/gram_messages.hpp"

namespace factorps::ps {
namespace {

// Bytes of a chunk. With its header below the size from which Open MPI's TCP transport asks before
// it sends (comm/mpi_ring.cpp says why).
constexpr std::size_t kChunk = std::size_t{60} << 10;
constexpr std::size_t kAwaited = 32;  // questions of a node at a time

/// Calls visit(row of the table, address) for those of a piece that another node holds.
template <class Visit>
void for_rows_elsewhere(const StreamMap& map, int node, Side side, const GramPiece& piece,
                        Visit&& visit) {
  for (std::uint64_t row = piece.rows.begin; row < piece.rows.end; ++row) {
    const RowAddress address = map.address(side, row);
    if (address.node != node) visit(row, address);
  }
}

}  // namespace

RowStream::RowStream(comm::Transport& transport, std::vector<comm::RoleId> servers,
                     const StreamNode& node, TraceRecorder* trace)
    : transport_{transport},
      servers_{std::move(servers)},
      node_{node},
      trace_{trace},
      chunk_{std::max(kChunk / (node.tables().stride() * sizeof(float)), std::size_t{1})},
      questions_(servers_.size()) {
  std::uint32_t place = 0;
  for (const BlockId block : node.als().share().blocks) node.tables().put(block, place++);
}

bool RowStream::is_gram() const {
  return pass_.kind == comm::PassKind::gram_users || pass_.kind == comm::PassKind::gram_items;
}

/// A piece goes on with the sums of the one before, a block with the counts.
bool RowStream::one_by_one() const {
  return is_gram() || pass_.kind == comm::PassKind::rank_counts;
}

/// The table that the pass is about.
Side RowStream::side() const {
  const bool users =
      pass_.kind == comm::PassKind::solve_users || pass_.kind == comm::PassKind::gram_users;
  return users ? Side::users : Side::items;
}

void RowStream::begin(const comm::StartPass& pass) {
  pass_ = pass;
  traffic_ = {};
  first_ = end_;
  end_ += node_.units(pass.kind);
  done_ = opened_ = asking_ = 0;
  unit_ = 0;
  loads_.reset();
  since_ = Clock::now();
  if (is_gram()) {
    for (std::uint32_t part = 0; part < kGramParts; ++part) {
      if (node_.map().gram_node(side(), part) != node_.node()) {
        sums_needed_ += node_.gram(side()).stride;
      }
    }
  }
  stages_ = stages_of_pass();
  if (pass.kind != comm::PassKind::index_rows) return;
  indexed_ = 0;
  indexes_[0].emplace(node_.map(), node_.node(), Side::users);
  indexes_[1].reset();
  node_.open().store(end_, std::memory_order_release);
}

std::vector<RowStream::Stage> RowStream::stages_of_pass() const {
  switch (pass_.kind) {
    case comm::PassKind::index_rows:
      return {};
    case comm::PassKind::solve_users:
      return stages_of_batches(indexes_[0].value());
    case comm::PassKind::solve_items:
      return stages_of_batches(indexes_[1].value());
    default:
      break;
  }
  std::vector<Stage> stages;
  if (is_gram()) {
    for (std::size_t n = 0; n < node_.gram_pieces(side()).size(); ++n) {
      stages.push_back({(n + 1) * node_.tiles(), n == 0 ? 0 : n - 1, 0});
    }
    return stages;
  }
  for (std::size_t n = 0; n < node_.blocks().size(); ++n) {
    const std::size_t own = node_.als().share().blocks.size();
    const std::size_t others = n < own ? 0 : n - own;  // that had a place before
    const std::size_t places = node_.map().visiting();
    stages.push_back({(n + 1) * node_.strips(), others < places ? 0 : n + 1 - places, 0});
  }
  return stages;
}

std::vector<RowStream::Stage> RowStream::stages_of_batches(const StreamIndex& index) const {
  std::vector<Stage> stages;
  const auto before = index.solved_before();
  for (std::size_t n = 0; n < before.size(); ++n) {
    stages.push_back({index.portions()[n].batches, before[n], 0});
  }
  return stages;
}

/// The slot of a block that visits.
std::uint64_t RowStream::place_of(std::size_t stage) const {
  const std::size_t own = node_.als().share().blocks.size();
  return (stage - own) % node_.map().visiting() * node_.map().block_rows();
}

std::vector<Load> RowStream::loads_of(std::size_t stage) const {
  if (pass_.kind == comm::PassKind::solve_users) return indexes_[0]->loads(stage);
  if (pass_.kind == comm::PassKind::solve_items) return indexes_[1]->loads(stage);
  if (is_gram()) return loads_of_piece(node_.gram_pieces(side())[stage]);
  if (stage < node_.als().share().blocks.size()) return {};
  const RowRange items = node_.map().grid().items_of(node_.blocks()[stage]);
  Load load{node_.map().home(node_.blocks()[stage]), {}, place_of(stage)};
  for (std::uint64_t row = items.begin; row < items.end; ++row) {
    load.rows.push_back(node_.map().item(row).at);
  }
  return {std::move(load)};
}

/// Every row of the piece has a slot, those of this node too: so what comes stands as in the table.
std::vector<Load> RowStream::loads_of_piece(const GramPiece& piece) const {
  std::vector<Load> loads;
  const auto add = [&](std::uint64_t row, RowAddress address) {
    const std::uint64_t slot = piece.slot + row - piece.rows.begin;
    if (loads.empty() || loads.back().node != address.node ||
        loads.back().slot + loads.back().rows.size() != slot) {
      loads.push_back({address.node, {}, slot});
    }
    loads.back().rows.push_back(address.at);
  };
  for_rows_elsewhere(node_.map(), node_.node(), side(), piece, add);
  return loads;
}

bool RowStream::step() {
  bool moved = false;
  if (pass_.kind == comm::PassKind::index_rows) {
    moved = index_next();
  } else {
    moved = look_for_done();
    moved = ask() || moved;
    moved = open() || moved;
  }
  if (finished()) node_.complete().store(pass_.pass + 1, std::memory_order_release);
  return moved;
}

/// Of the strips, then of the home blocks, in their order, when they are listed.
bool RowStream::index_next() {
  if (indexed_ == end_ - first_) return false;
  if (node_.done(indexed_).load(std::memory_order_acquire) != pass_.pass + 1) return false;
  const std::size_t strips = node_.strips();
  if (indexed_ < strips) {
    indexes_[0]->add(node_.als().lists(node_.strip(indexed_)));
  } else {
    if (!indexes_[1]) {
      indexes_[0]->finish();
      indexes_[1].emplace(node_.map(), node_.node(), Side::items);
    }
    indexes_[1]->add(node_.als().lists_of_block(indexed_ - strips));
  }
  if (++indexed_ == end_ - first_) indexes_[1]->finish();
  return true;
}

bool RowStream::look_for_done() {
  const std::size_t before = done_;
  while (done_ < opened_) {
    const std::uint64_t end = stages_[done_].units;
    while (unit_ < end && node_.done(unit_).load(std::memory_order_acquire) == pass_.pass + 1) {
      ++unit_;
    }
    if (unit_ < end) break;
    if (is_gram()) send_sums(node_.gram_pieces(side())[done_]);
    ++done_;
  }
  return done_ > before;
}

bool RowStream::ask() {
  bool asked = false;
  while (asking_ < stages_.size()) {
    if (!loads_) {
      if (stages_[asking_].before > done_) return asked;
      loads_ = loads_of(asking_);
      load_ = row_ = 0;
      for (const Load& load : *loads_) stages_[asking_].missing += load.rows.size();
    }
    for (; load_ < loads_->size(); ++load_, row_ = 0) {
      const Load& load = (*loads_)[load_];
      while (row_ < load.rows.size()) {
        if (awaited_ == kAwaited) return asked;
        const std::size_t rows = std::min(chunk_, load.rows.size() - row_);
        ask_for(load, row_, rows);
        row_ += rows;
        asked = true;
      }
    }
    loads_.reset();
    ++asking_;
    asked = true;
  }
  return asked;
}

void RowStream::ask_for(const Load& load, std::size_t first, std::size_t rows) {
  const auto bytes = std::as_bytes(std::span{load.rows}.subspan(first, rows));
  const auto node = static_cast<std::size_t>(load.node);
  transport_.send(servers_[node], comm::Tag::pull_rows, {bytes.begin(), bytes.end()});
  questions_[node].push_back({asking_, (load.slot + first) % node_.map().buffer(), rows});
  ++awaited_;
  traffic_.bytes += bytes.size();
}

bool RowStream::open() {
  const std::size_t before = opened_;
  while (opened_ < asking_ && stages_[opened_].missing == 0 &&
         (!one_by_one() || done_ == opened_)) {
    const std::size_t own = node_.als().share().blocks.size();
    const bool blocks = !is_gram() && pass_.kind != comm::PassKind::solve_users &&
                        pass_.kind != comm::PassKind::solve_items;
    if (blocks && opened_ >= own) {
      const auto place = own + (opened_ - own) % node_.map().visiting();
      node_.tables().put(node_.blocks()[opened_], static_cast<std::uint32_t>(place));
    }
    ++opened_;
  }
  if (opened_ == before) return false;
  node_.open().store(first_ + stages_[opened_ - 1].units, std::memory_order_release);
  return true;
}

bool RowStream::finished() const {
  if (pass_.kind == comm::PassKind::index_rows) return indexed_ == end_ - first_;
  return done_ == stages_.size() && sums_here_ >= sums_needed_;
}

std::string RowStream::waits_for() const {
  if (pass_.kind == comm::PassKind::index_rows) return "the workers to list interactions";
  return fmt::format(
      "stages: {} of {} have their rows, {} are done; {} answers and {} rows of sums are on their "
      "way",
      opened_, stages_.size(), done_, awaited_, sums_needed_ - std::min(sums_needed_, sums_here_));
}

void RowStream::receive(comm::Envelope envelope) {
  const auto server = std::ranges::find(servers_, envelope.from);
  if (server == servers_.end()) throw ProtocolError{"server: rows of an unknown node"};
  switch (envelope.tag) {
    case comm::Tag::pull_rows:
      answer(envelope);
      break;
    case comm::Tag::rows:
      take_rows(static_cast<int>(server - servers_.begin()), envelope.body);
      break;
    case comm::Tag::push_rows:
      // Perhaps before this node knows of the pass.
      sums_here_ +=
          take_gram_message(envelope.body, node_.gram(Side::users), node_.gram(Side::items));
      break;
    default:
      throw ProtocolError{"server: unexpected message"};
  }
  // However many questions come, this node's own go out too.
  if (!finished()) step();
}

void RowStream::answer(const comm::Envelope& question) {
  const std::size_t row_bytes = node_.tables().stride() * sizeof(float);
  std::vector<std::uint32_t> rows(question.body.size() / sizeof(std::uint32_t));
  std::memcpy(rows.data(), question.body.data(), rows.size() * sizeof(std::uint32_t));
  std::vector<std::byte> body(rows.size() * row_bytes);
  std::byte* to = body.data();
  for (const std::uint32_t row : rows) {
    if (row >= node_.map().own_rows(node_.node())) {
      throw ProtocolError{"server: asked for rows of another node"};
    }
    std::memcpy(to, node_.row(row), row_bytes);
    to += row_bytes;
  }
  transport_.send(question.from, comm::Tag::rows, std::move(body));
}

/// Every node answers in the order in which it was asked.
void RowStream::take_rows(int from, const std::vector<std::byte>& body) {
  auto& questions = questions_[static_cast<std::size_t>(from)];
  const std::size_t row_bytes = node_.tables().stride() * sizeof(float);
  if (questions.empty() || body.size() != questions.front().rows * row_bytes) {
    throw ProtocolError{"server: rows that nobody asked for"};
  }
  const Question& question = questions.front();
  const std::uint64_t straight =
      std::min(question.rows, node_.map().buffer() - question.slot);  // the ring ends there
  std::memcpy(node_.buffer_row(question.slot), body.data(), straight * row_bytes);
  std::memcpy(node_.buffer_row(0), body.data() + straight * row_bytes,
              body.size() - straight * row_bytes);
  stages_[question.stage].missing -= question.rows;
  traffic_.bytes += body.size();
  ++traffic_.blocks;
  questions.pop_front();
  --awaited_;
  if (trace_ == nullptr) return;
  const auto now = Clock::now();
  trace_->extend({since_, now, TraceKind::receive_block, pass_.epoch, 0, 0, traffic_.bytes});
  since_ = now;
}

/// When a part is complete, all others get it.
void RowStream::send_sums(const GramPiece& piece) {
  if (!piece.last) return;
  const auto messages = gram_messages(node_.gram(side()), side(), piece.part);
  for (int node = 0; node < node_.map().nodes(); ++node) {
    if (node == node_.node()) continue;
    for (const auto& body : messages) {
      traffic_.bytes += body.size();
      transport_.send(servers_[static_cast<std::size_t>(node)], comm::Tag::push_rows, body);
    }
  }
}

std::uint64_t bytes_of_gram(const StreamMap& map, int node, Side side, std::size_t stride,
                            std::uint64_t row_bytes) {
  const std::uint64_t of_part = gram_message_bytes({{}, stride, gram_tile(stride)});
  std::uint64_t bytes = 0;
  for (const GramPiece& piece : map.gram_pieces(side, node)) {
    for_rows_elsewhere(map, node, side, piece,
                       [&](std::uint64_t, RowAddress) { bytes += row_bytes; });
    if (piece.last) bytes += static_cast<std::uint64_t>(map.nodes() - 1) * of_part;
  }
  return bytes;
}

}  // namespace factorps::ps

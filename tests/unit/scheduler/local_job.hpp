/// A whole training job on one thread: every role over a LocalHub, one step at a time.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "comm/faulty_link.hpp"
#include "comm/local_transport.hpp"
#include "common/aligned_buffer.hpp"
#include "ps/block_store.hpp"
#include "ps/rank_places.hpp"
#include "ps/stream_node.hpp"
#include "scheduler/cluster.hpp"
#include "tests/support/local_ring.hpp"
#include "tests/unit/scheduler/local_roles.hpp"
#include "worker/als_work.hpp"
#include "worker/cell_work.hpp"
#include "worker/streamed_als_work.hpp"

namespace factorps::test {

/// Ranks of each pretend node.
using NodeSizes = std::vector<int>;

/// Servers and workers on any number of pretend nodes, each with its own memory; blocks go round
/// between them. The scheduler's Cluster lets them work while it waits.
class LocalJob {
 public:
  static constexpr std::size_t kDim = 8;

  LocalJob(const Dataset& dataset, int servers, int workers)
      : LocalJob{dataset, one_node(servers, workers)} {}
  LocalJob(const Dataset& dataset, int servers, int workers, const worker::RankingOptions& ranking)
      : LocalJob{dataset,
                 one_node(servers, workers),
                 2,
                 0,
                 ps::WireFormat::fp32,
                 ps::LeaseMode::dense,
                 std::nullopt,
                 ranking} {}

  /// @param als with `predict`: over known values, with biases
  /// @param streamed least squares without copies: rows of the buffer, raised to what is needed
  /// @param delay how often a node looks in vain for a block on its way
  LocalJob(const Dataset& dataset, const ps::JobLayout& layout, std::uint32_t in_flight = 2,
           std::uint32_t delay = 0, ps::WireFormat wire = ps::WireFormat::fp32,
           ps::LeaseMode lease = ps::LeaseMode::dense,
           const std::optional<worker::AlsOptions>& als = std::nullopt,
           const std::optional<worker::RankingOptions>& ranking = std::nullopt,
           comm::MessageFaults faults = {}, std::optional<std::uint64_t> streamed = std::nullopt)
      : dataset_{dataset},
        order_{dataset.grid().strips(), dataset.grid().blocks(), 1},
        placement_{order_,
                   ps::place_strips(dataset.grid().strips(), layout,
                                    wire == ps::WireFormat::fp32 ? ps::StripPlacement::by_speed
                                                                 : ps::StripPlacement::evenly),
                   in_flight},
        wire_{wire},
        lease_{lease},
        als_{als},
        predicts_{als && als->predict != nullptr},
        ranking_{ranking},
        stream_{stream_map(streamed)},
        ring_{next_of_nodes(), delay},
        faults_{std::move(faults)},
        hub_{layout.roles()},
        scheduler_{link_of(0)},
        cluster_{*scheduler_,    layout.servers,
                 layout.workers, dataset.grid().strips(),
                 kTimeout,       [this] { return roles_.step(); }} {
    for (int node = 0; node < layout.nodes; ++node) add_node(layout, node);
    for (int w = 0; w < layout.workers; ++w) add_worker(layout, w);
  }

  scheduler::Cluster& cluster() { return cluster_; }
  /// Seconds without any message after which a wait of the scheduler ends in an error.
  static constexpr double kTimeout = 10;
  /// The way of the blocks.
  LocalRing& ring() { return ring_; }
  /// Rows of other nodes that a node holds.
  [[nodiscard]] std::uint64_t buffer() const { return stream_ ? stream_->buffer() : 0; }
  /// Most bytes of tables on one node.
  [[nodiscard]] std::size_t memory_of_largest_node() const {
    std::size_t most = 0;
    for (const auto& memory : memory_) most = std::max(most, memory.size());
    return most;
  }
  /// Ranks of nodes of these sizes, one after the other.
  static ps::JobLayout layout_of(const NodeSizes& sizes, int servers = 1) {
    std::vector<int> node_of_rank;
    for (std::size_t node = 0; node < sizes.size(); ++node) {
      node_of_rank.insert(node_of_rank.end(), static_cast<std::size_t>(sizes[node]),
                          static_cast<int>(node));
    }
    return ps::layout_of_job(node_of_rank, servers);
  }

 private:
  static ps::JobLayout one_node(int servers, int workers) {
    ps::JobLayout layout;
    layout.servers = servers;
    layout.workers = workers;
    layout.node_of_role.assign(static_cast<std::size_t>(layout.roles()), 0);
    return layout;
  }

  [[nodiscard]] std::vector<int> next_of_nodes() const {
    std::vector<int> next;
    for (int node = 0; node < placement_.nodes(); ++node) next.push_back(placement_.next(node));
    return next;
  }

  [[nodiscard]] std::unique_ptr<comm::Transport> link_of(comm::RoleId role) {
    return comm::faulty_link(hub_.link(role), role, faults_);
  }

  [[nodiscard]] std::optional<ps::StreamMap> stream_map(std::optional<std::uint64_t> rows) const {
    if (!rows || placement_.nodes() == 1) return std::nullopt;
    const Grid& grid = dataset_.grid();
    return std::optional<ps::StreamMap>{
        std::in_place, grid, placement_,
        ps::visiting_places(grid, placement_, std::max<std::uint64_t>(*rows, 1),
                            dataset_.user_counts(), dataset_.item_counts())};
  }

  [[nodiscard]] ps::NodeShare share_of(int node) const {
    if (!als_) return placement_.share(node, true);
    const std::uint32_t more_columns = predicts_ ? 2 : 0;
    if (stream_) return stream_->share(node, more_columns);
    return {{0, dataset_.grid().strips()}, 0, false, more_columns};
  }

  void add_node(const ps::JobLayout& layout, int node) {
    const ps::NodeShare share = share_of(node);
    memory_.emplace_back(ps::Tables::bytes_needed(dataset_.grid(), kDim, share));
    tables_.emplace_back(memory_.back().span(), dataset_.grid(), kDim, share);
    if (als_) add_als_tables(node);
    if (stream_) add_stream_node(node);
    if ((layout.nodes > 1 && ranking_) || (stream_ && !predicts_)) add_rank_places(node);
    const auto servers = ps::servers_of_node(layout, node);
    for (const int s : servers) {
      roles_.links.push_back(link_of(layout.server(s)));
      std::unique_ptr<ps::BlockMover> mover;
      ps::AlsNode als{als_ ? &als_tables_.back() : nullptr};
      const bool moves = layout.nodes > 1 && s == servers.front();
      const int previous = ps::servers_of_node(layout, placement_.previous(node)).front();
      if (stream_) {
        als.streamed = &streamed_.back();
        if (s == servers.front()) als.stream = row_stream(layout);
      } else if (moves && als_) {
        als.exchange =
            std::make_unique<ps::RowExchange>(*roles_.links.back(), layout.server(previous),
                                              ring_.link(node), placement_, node, tables_.back());
      } else if (moves) {
        const int next = ps::servers_of_node(layout, placement_.next(node)).front();
        mover = std::make_unique<ps::BlockMover>(
            *roles_.links.back(), ps::RingNeighbours{layout.server(previous), layout.server(next)},
            ring_.link(node), placement_, node, tables_.back(), residents_of(node));
      }
      ps::ServerOptions options;
      options.seed = 1;
      options.init_std = 0.1F;
      options.wire = wire_;
      roles_.servers.push_back(std::make_unique<ps::Server>(
          *roles_.links.back(), s,
          std::make_unique<ps::BlockStore>(
              ps::shards_of(layout, placement_, als_ && !stream_)[static_cast<std::size_t>(s)],
              tables_.back(), dataset_, order_.steps(), options, std::move(mover),
              std::move(als))));
    }
  }

  void add_als_tables(int node) {
    const ps::AlsShare share{placement_.strips(node), placement_.homes(node), true, !predicts_,
                             predicts_};
    const auto cells = dataset_.cell_sizes(Part::train);
    als_memory_.emplace_back(ps::AlsTables::bytes_needed(dataset_.grid(), kDim, share, cells));
    als_tables_.emplace_back(als_memory_.back().span(), tables_.back(), share, cells);
  }

  void add_stream_node(int node) {
    stream_memory_.emplace_back(
        ps::StreamNode::bytes_needed(*stream_, node, tables_.back().stride()));
    streamed_.emplace_back(stream_memory_.back().span(), als_tables_.back(), *stream_, node);
  }

  [[nodiscard]] std::unique_ptr<ps::RowStream> row_stream(const ps::JobLayout& layout) {
    std::vector<comm::RoleId> servers;
    for (int node = 0; node < layout.nodes; ++node) {
      servers.push_back(layout.server(ps::servers_of_node(layout, node).front()));
    }
    return std::make_unique<ps::RowStream>(*roles_.links.back(), std::move(servers),
                                           streamed_.back());
  }

  void add_rank_places(int node) {
    const auto pairs = ps::pairs_to_rank(dataset_);
    const ps::Share strips = placement_.strips(node);
    place_memory_.emplace_back(ps::RankPlaces::bytes_needed(pairs, strips));
    places_.emplace_back(place_memory_.back().span(), pairs, strips);
  }

  [[nodiscard]] ps::Residents residents_of(int node) const {
    const auto sum = [this](BlockId block, std::vector<std::uint16_t> total) {
      std::ranges::fill(total, std::uint16_t{0});
      for (int n = 0; n < placement_.nodes(); ++n) {
        const auto touched = ps::touched_rows(dataset_, placement_.strips(n), block);
        std::ranges::transform(total, touched, total.begin(), std::plus{});
      }
      return total;
    };
    return ps::find_residents(dataset_, placement_, node, round_up(kDim, kRowMultiple), lease_,
                              sum);
  }

  void add_worker(const ps::JobLayout& layout, int w) {
    SgdStep step;
    step.mu = static_cast<float>(dataset_.train_mean());
    step.rate = step.rate_bias = 0.1F;
    step.l2_user = step.l2_item = step.l2_bias = 0.02F;
    step.limit = std::numeric_limits<float>::max();
    step.accumulation = 0.2F;
    const int node = layout.node_of_role[static_cast<std::size_t>(layout.worker(w))];
    const ps::Share share = placement_.strips(node);
    std::vector<StripId> strips;
    for (std::uint32_t s = share.begin; s < share.end; ++s) strips.emplace_back(s);
    roles_.links.push_back(link_of(layout.worker(w)));
    if (stream_) {
      roles_.workers.push_back(std::make_unique<worker::Worker>(
          *roles_.links.back(),
          std::make_unique<worker::StreamedAlsWork>(
              streamed_[static_cast<std::size_t>(node)], dataset_, *als_,
              places_.empty() ? nullptr : &places_[static_cast<std::size_t>(node)])));
      return;
    }
    if (als_) {
      roles_.workers.push_back(std::make_unique<worker::Worker>(
          *roles_.links.back(), std::make_unique<worker::AlsWork>(
                                    als_tables_[static_cast<std::size_t>(node)], dataset_, *als_)));
      return;
    }
    roles_.workers.push_back(std::make_unique<worker::Worker>(
        *roles_.links.back(),
        std::make_unique<worker::CellWork>(
            tables_[static_cast<std::size_t>(node)], order_, dataset_, strips,
            worker::CellOptions{step, best_kernels(), ranking_, 1, 5},
            places_.empty() ? nullptr : &places_[static_cast<std::size_t>(node)])));
  }

  const Dataset& dataset_;
  std::deque<AlignedBuffer<std::byte>> memory_;  // [node]
  std::deque<ps::Tables> tables_;                // [node]
  CellOrder order_;
  ps::Placement placement_;
  ps::WireFormat wire_;
  ps::LeaseMode lease_;
  std::optional<worker::AlsOptions> als_;
  bool predicts_;  // over known values, with biases
  std::optional<worker::RankingOptions> ranking_;
  std::optional<ps::StreamMap> stream_;                 // no copies
  std::deque<AlignedBuffer<std::byte>> als_memory_;     // [node]
  std::deque<ps::AlsTables> als_tables_;                // [node]
  std::deque<AlignedBuffer<std::byte>> stream_memory_;  // [node]
  std::deque<ps::StreamNode> streamed_;                 // [node]
  std::deque<AlignedBuffer<std::byte>> place_memory_;   // [node]
  std::deque<ps::RankPlaces> places_;                   // [node], if ranked as blocks come by
  LocalRing ring_;
  comm::MessageFaults faults_;
  comm::LocalHub hub_;
  std::unique_ptr<comm::Transport> scheduler_;
  scheduler::Cluster cluster_;
  LocalRoles roles_;
};

}  // namespace factorps::test

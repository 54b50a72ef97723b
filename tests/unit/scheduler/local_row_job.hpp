/// A whole training job of row mode on one thread: every role over a LocalHub.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "comm/local_transport.hpp"
#include "common/aligned_buffer.hpp"
#include "ps/rows/head_model.hpp"
#include "ps/rows/row_store.hpp"
#include "scheduler/cluster.hpp"
#include "tests/unit/scheduler/local_roles.hpp"
#include "worker/rows/row_work.hpp"

namespace factorps::test {

/// Plain factors of LocalRowJob::kDim with adam, on any number of pretend nodes.
class LocalRowJob {
 public:
  static constexpr std::size_t kDim = 4;
  static constexpr std::uint32_t kLanes = 4;

  LocalRowJob(const Dataset& dataset, const ps::JobLayout& layout, std::uint64_t batch,
              ps::RowPolicy policy = {})
      : dataset_{dataset},
        layout_{ps::head_tables(make_head()->shape(), dataset.grid(), settings()),
                strips_of(layout)},
        hub_{layout.roles()},
        scheduler_{hub_.link(0)},
        cluster_{*scheduler_, layout.servers, layout.workers, dataset.grid().strips(), 10, [this] {
                   return roles_.step();
                 }} {
    options_.batches.batch = batch;
    options_.lanes = kLanes;
    job_ = {policy, dataset.grid().strips(), dataset.grid().blocks(), {}, {}};
    std::vector<std::uint64_t> all;
    for (const ps::RowTable& table : layout_.tables()) all.push_back(table.rows());
    for (int w = 0; w < layout.workers; ++w) {
      job_.node_of_worker.push_back(layout.node_of_role.at(as_index(layout.worker(w))));
      job_.most_rows.push_back(all);
    }
    for (int node = 0; node < layout.nodes; ++node) {
      memory_.emplace_back(ps::RowNode::bytes_needed(layout_, job_, node));
      nodes_.emplace_back(memory_.back().span(), layout_, job_, node);
    }
    for (int s = 0; s < layout.servers; ++s) add_server(layout, s);
    for (int w = 0; w < layout.workers; ++w) add_worker(layout, w);
  }

  scheduler::Cluster& cluster() { return cluster_; }

 private:
  static std::size_t as_index(int n) { return static_cast<std::size_t>(n); }

  static std::unique_ptr<Head> make_head() {
    HeadOptions options;
    options.dim = kDim;
    options.init_std = 0.1F;
    return factorps::make_head(options, InstructionSet::reference);
  }

  static ps::RowSettings settings() {
    ps::RowSettings settings;
    for (OptimizerOptions* of : {&settings.users, &settings.items, &settings.dense}) {
      of->kind = OptimizerKind::adam;
    }
    return settings;
  }

  std::vector<ps::Share> strips_of(const ps::JobLayout& layout) const {
    std::vector<ps::Share> strips;
    for (int n = 0; n < layout.nodes; ++n) {
      strips.push_back(ps::share_of(dataset_.grid().strips(), n, layout.nodes));
    }
    return strips;
  }

  std::unique_ptr<ps::RowModel> model() const {
    return std::make_unique<ps::HeadModel>(make_head(), dataset_, settings());
  }

  void add_server(const ps::JobLayout& layout, int s) {
    const int node = layout.node_of_role.at(as_index(layout.server(s)));
    const auto servers = ps::servers_of_node(layout, node);
    ps::RowStoreOptions options;
    options.steps = steps_of_epoch(dataset_.interactions(Part::train), options_.batches.batch);
    for (const auto& lane : worker::lanes_of(dataset_.grid().strips(), kLanes)) {
      options.sums_at.push_back(lane.begin);
    }
    options.part = {static_cast<std::uint32_t>(std::ranges::find(servers, s) - servers.begin()),
                    static_cast<std::uint32_t>(servers.size())};
    roles_.links.push_back(hub_.link(layout.server(s)));
    roles_.servers.push_back(std::make_unique<ps::Server>(
        *roles_.links.back(), s,
        std::make_unique<ps::RowStore>(*roles_.links.back(), nodes_[as_index(node)],
                                       layout.worker(0), model(), dataset_, std::move(options))));
  }

  void add_worker(const ps::JobLayout& layout, int w) {
    ps::RowWorker worker{as_index(w), {}};
    for (int node = 0; node < layout.nodes; ++node) {
      worker.server_of_node.push_back(layout.server(ps::servers_of_node(layout, node).front()));
    }
    roles_.links.push_back(hub_.link(layout.worker(w)));
    roles_.workers.push_back(std::make_unique<worker::Worker>(
        *roles_.links.back(),
        std::make_unique<worker::RowWork>(*roles_.links.back(),
                                          nodes_[as_index(job_.node_of_worker[as_index(w)])],
                                          std::move(worker), model(), dataset_, options_)));
  }

  const Dataset& dataset_;
  worker::RowWorkOptions options_;
  ps::RowLayout layout_;
  ps::RowJob job_;
  std::deque<AlignedBuffer<std::byte>> memory_;  // [node]
  std::deque<ps::RowNode> nodes_;
  comm::LocalHub hub_;
  std::unique_ptr<comm::Transport> scheduler_;
  scheduler::Cluster cluster_;
  LocalRoles roles_;
};

}  // namespace factorps::test

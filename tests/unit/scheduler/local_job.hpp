/// A whole training job on one thread: every role over a LocalHub, one step at a time.
#pragma once

#include <limits>
#include <memory>
#include <vector>

#include "comm/local_transport.hpp"
#include "common/aligned_buffer.hpp"
#include "ps/server.hpp"
#include "scheduler/cluster.hpp"
#include "worker/worker.hpp"

namespace factorps::test {

/// Servers and workers in any number; the scheduler's Cluster lets them work while it waits.
class LocalJob {
 public:
  static constexpr std::size_t kDim = 8;

  LocalJob(const Dataset& dataset, int servers, int workers)
      : memory_{ps::Tables::bytes_needed(dataset.grid(), kDim)},
        tables_{memory_.span(), dataset.grid(), kDim},
        order_{dataset.grid().strips(), dataset.grid().blocks(), 1},
        hub_{1 + servers + workers},
        scheduler_{hub_.link(0)},
        cluster_{
            *scheduler_, servers, workers, dataset.grid().strips(), 10, [this] { return step(); }} {
    for (int s = 0; s < servers; ++s) {
      links_.push_back(hub_.link(1 + s));
      ps::ServerOptions options;
      options.seed = 1;
      options.init_std = 0.1F;
      servers_.push_back(std::make_unique<ps::Server>(*links_.back(), s, servers, tables_, dataset,
                                                      order_.steps(), options));
    }
    std::vector<StripId> strips;
    for (std::uint32_t s = 0; s < dataset.grid().strips(); ++s) strips.emplace_back(s);
    SgdStep step;
    step.mu = static_cast<float>(dataset.train_mean());
    step.rate = step.rate_bias = 0.1F;
    step.l2_user = step.l2_item = step.l2_bias = 0.02F;
    step.limit = std::numeric_limits<float>::max();
    step.accumulation = 0.2F;
    for (int w = 0; w < workers; ++w) {
      links_.push_back(hub_.link(1 + servers + w));
      workers_.push_back(
          std::make_unique<worker::Worker>(*links_.back(), tables_, order_, dataset, strips,
                                           worker::WorkerOptions{step, best_kernels()}));
    }
  }

  scheduler::Cluster& cluster() { return cluster_; }

 private:
  bool step() {
    bool worked = false;
    for (auto& server : servers_) worked = server->step() || worked;
    for (auto& worker : workers_) worked = worker->step() || worked;
    return worked;
  }

  AlignedBuffer<std::byte> memory_;
  ps::Tables tables_;
  CellOrder order_;
  comm::LocalHub hub_;
  std::unique_ptr<comm::Transport> scheduler_;
  scheduler::Cluster cluster_;
  std::vector<std::unique_ptr<comm::Transport>> links_;
  std::vector<std::unique_ptr<ps::Server>> servers_;
  std::vector<std::unique_ptr<worker::Worker>> workers_;
};

}  // namespace factorps::test

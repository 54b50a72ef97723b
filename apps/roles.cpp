#include "apps/roles.hpp"

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace factorps::apps {
namespace {

SgdStep step_of(const Config& config, const Dataset& dataset) {
  const TrainConfig& train = config.train;
  const double dim = static_cast<double>(config.model.dim);
  SgdStep step;
  step.mu = config.model.mean ? static_cast<float>(dataset.train_mean()) : 0.0F;
  step.rate = static_cast<float>(train.learning_rate);
  step.rate_bias = config.model.biases
                       ? static_cast<float>(train.learning_rate_bias.value_or(train.learning_rate))
                       : 0.0F;
  step.l2_user = static_cast<float>(train.l2_user.value_or(train.l2));
  step.l2_item = static_cast<float>(train.l2_item.value_or(train.l2));
  step.l2_bias = static_cast<float>(train.l2_bias.value_or(train.l2));
  step.gain = train.loss == "absolute" ? 1e30F : 1.0F;
  step.limit = train.loss == "absolute" ? 1.0F
               : train.loss == "huber"  ? static_cast<float>(train.huber_delta)
                                        : std::numeric_limits<float>::max();
  // Factors of a trained model have a mean square of about 1.6 / dim on ratings of unit variance.
  step.accumulation = train.optimizer == "adagrad" ? static_cast<float>(1.6 / dim) : 0.0F;
  return step;
}

ps::WireFormat wire_of(const Config& config) {
  return config.cluster.wire == "bf16" ? ps::WireFormat::bf16 : ps::WireFormat::fp32;
}

ps::ServerOptions server_options(const Config& config) {
  const double std = config.model.init_std / std::sqrt(static_cast<double>(config.model.dim));
  return {config.train.seed, static_cast<float>(std), config.run.store_seen, config.model.mean,
          wire_of(config)};
}

ps::Placement placement_of(const Config& config, const CellOrder& order, std::uint32_t strips,
                           const ps::JobLayout& layout) {
  // Rows that are rounded when they cross must cross at the same turns whoever works where.
  const auto how = wire_of(config) == ps::WireFormat::fp32 ? ps::StripPlacement::by_workers
                                                           : ps::StripPlacement::evenly;
  return {order, ps::place_strips(strips, layout, how),
          static_cast<std::uint32_t>(config.cluster.blocks_in_flight)};
}

}  // namespace

JobMap::JobMap(const Config& config, const Grid& grid, ps::JobLayout job_layout)
    : layout{std::move(job_layout)},
      order{grid.strips(), grid.blocks(), config.train.seed},
      placement{placement_of(config, order, grid.strips(), layout)} {}

std::size_t table_bytes(const JobMap& map, const Grid& grid, std::int64_t dim, int node) {
  return ps::Tables::bytes_needed(grid, static_cast<std::size_t>(dim), map.placement.share(node));
}

Roles::Roles(const Config& config, const Dataset& dataset, const Grid& grid, const JobMap& map,
             const Kernels& kernels, int node, std::span<std::byte> memory, JobTrace* trace)
    : config_{config},
      dataset_{dataset},
      map_{map},
      kernels_{kernels},
      node_{node},
      tables_{memory, grid, static_cast<std::size_t>(config.model.dim), map.placement.share(node)},
      trace_{trace} {}

std::unique_ptr<ps::BlockMover> Roles::mover(comm::Transport& link, int n,
                                             std::unique_ptr<comm::RingLink> ring,
                                             ps::Residents residents) const {
  const int previous = ps::servers_of_node(map_.layout, map_.placement.previous(node_)).front();
  return std::make_unique<ps::BlockMover>(link, map_.layout.server(previous), std::move(ring),
                                          map_.placement, node_, tables_, std::move(residents),
                                          recorder(map_.layout.server(n)));
}

std::unique_ptr<ps::Server> Roles::server(comm::Transport& link, int n,
                                          std::unique_ptr<ps::BlockMover> mover) const {
  ps::ServerOptions options = server_options(config_);
  options.trace = recorder(map_.layout.server(n));
  return std::make_unique<ps::Server>(
      link, ps::shards_of(map_.layout, map_.placement).at(static_cast<std::size_t>(n)), tables_,
      dataset_, map_.order.steps(), options, std::move(mover));
}

std::unique_ptr<worker::Worker> Roles::worker(comm::Transport& link, int n) const {
  const ps::Share share = map_.placement.strips(node_);
  std::vector<StripId> strips;
  for (std::uint32_t s = share.begin; s < share.end; ++s) strips.emplace_back(s);
  return std::make_unique<worker::Worker>(
      link, tables_, map_.order, dataset_, std::move(strips),
      worker::WorkerOptions{step_of(config_, dataset_), kernels_, recorder(map_.layout.worker(n))});
}

}  // namespace factorps::apps

#include "apps/roles.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "model/metric_name.hpp"
#include "ps/block_store.hpp"
#include "ps/rows/row_store.hpp"
#include "scheduler/epoch_passes.hpp"
#include "worker/als_work.hpp"
#include "worker/cell_work.hpp"
#include "worker/rows/row_work.hpp"
#include "worker/streamed_als_work.hpp"

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

std::size_t ials_block(const IalsConfig& ials) {
  if (ials.method != "subspace") return 0;
  return round_up(static_cast<std::size_t>(ials.block), kRowMultiple);
}

std::uint64_t rank_at(const Config& config) {
  const auto metric = parse_metric(config.evaluate.metric);
  return metric ? metric->k : 0;
}

RankingLoss ranking_loss(const std::string& name) {
  if (name == "ccl") return RankingLoss::ccl;
  if (name == "bpr") return RankingLoss::bpr;
  return name == "logistic" ? RankingLoss::logistic : RankingLoss::softmax;
}

}  // namespace

Confidence confidence_of(const IalsConfig& ials) {
  const auto kind = ials.confidence == "linear" ? Confidence::Kind::linear
                    : ials.confidence == "log"  ? Confidence::Kind::log
                                                : Confidence::Kind::one;
  return {kind, static_cast<float>(ials.alpha), static_cast<float>(ials.epsilon)};
}

std::optional<worker::RankingOptions> ranking_options(const Config& config) {
  if (!learns_to_rank(config) || config.train.solver != "sgd") return std::nullopt;
  const TrainConfig& train = config.train;
  const RankingConfig& ranking = config.ranking;
  RankingStep step;
  step.loss = ranking_loss(train.loss);
  step.rate = static_cast<float>(train.learning_rate);
  step.l2_user = static_cast<float>(train.l2_user.value_or(train.l2));
  step.l2_item = static_cast<float>(train.l2_item.value_or(train.l2));
  step.adagrad = train.optimizer == "adagrad";
  step.cosine = ranking.scores == "cosine";
  step.temperature = static_cast<float>(ranking.temperature);
  step.exponent = static_cast<float>(ranking.exponent);
  step.margin = static_cast<float>(ranking.margin);
  step.weight = static_cast<float>(ranking.negative_weight);
  step.batch = static_cast<std::size_t>(ranking.batch);
  step.l2_negative = static_cast<float>(ranking.l2_negative);
  step.exclude_positives = ranking.exclude_positives;
  step.negatives = round_up(static_cast<std::size_t>(ranking.negatives), kRowMultiple);
  return worker::RankingOptions{step, ranking.popularity_exponent, ranking.user_dropout};
}

namespace {

worker::AlsOptions als_options(const Config& config, const Dataset& dataset,
                               const Kernels& kernels) {
  const TrainConfig& train = config.train;
  worker::AlsOptions options;
  options.kernels = als_kernels(kernels.set);
  options.l2_user = train.l2_user.value_or(train.l2);
  options.l2_item = train.l2_item.value_or(train.l2);
  options.l2_exponent = config.ials.l2_exponent;
  options.unobserved = config.ials.unobserved_weight;
  options.block = ials_block(config.ials);
  options.cg_steps =
      config.ials.method == "cg" ? static_cast<std::size_t>(config.ials.cg_steps) : 0;
  options.confidence = confidence_of(config.ials);
  options.rank_at = rank_at(config);
  if (config.train.solver == "ials") return options;
  options.unobserved = 0;
  options.predict = kernels.predict;
  options.l2_bias = train.l2_bias.value_or(train.l2);
  options.mu = config.model.mean ? dataset.train_mean() : 0;
  return options;
}

ps::WireFormat wire_of(const Config& config) {
  return config.cluster.wire == "bf16" ? ps::WireFormat::bf16 : ps::WireFormat::fp32;
}

/// What the model may hold.
ps::StoredParts stored_parts(const Config& config) {
  const std::string& ids = config.run.store_ids;
  return {config.run.store_seen, ids == "all", ids != "none"};
}

ps::ServerOptions server_options(const Config& config) {
  const double std = config.model.init_std / std::sqrt(static_cast<double>(config.model.dim));
  return {config.train.seed, static_cast<float>(std), stored_parts(config), config.model.mean,
          wire_of(config)};
}

ps::Placement placement_of(const Config& config, const CellOrder& order, std::uint32_t strips,
                           const ps::JobLayout& layout) {
  // Rows that are rounded when they cross must cross at the same turns whoever works where.
  const auto how = wire_of(config) == ps::WireFormat::fp32 ? ps::StripPlacement::by_speed
                                                           : ps::StripPlacement::evenly;
  return {order, ps::place_strips(strips, layout, how),
          static_cast<std::uint32_t>(config.cluster.blocks_in_flight)};
}

/// As many rows as fit the buffer that is asked for.
std::uint32_t visiting_of(const Config& config, const Grid& grid, const ps::Placement& placement,
                          std::uint32_t more_columns, const Dataset* dataset) {
  const auto columns = static_cast<std::size_t>(config.model.dim) + more_columns;
  const std::uint64_t row = round_up(columns, kRowMultiple) * sizeof(float);
  const std::uint64_t rows = (static_cast<std::uint64_t>(config.ials.buffer_mib) << 20) / row;
  if (dataset == nullptr) return ps::visiting_places(grid, placement, rows, {}, {});
  return ps::visiting_places(grid, placement, rows, dataset->user_counts(), dataset->item_counts());
}

/// Rows that are solved do not travel in blocks. Items of a block that are drawn have no
/// interaction that would say on which node they are needed.
ps::LeaseMode lease_of(const Config& config) {
  return solves_rows(config) || learns_to_rank(config) ? ps::LeaseMode::dense
                                                       : ps::lease_mode(config.cluster.lease);
}

}  // namespace

JobMap::JobMap(const Config& config, const Grid& grid, ps::JobLayout job_layout,
               const Dataset* dataset)
    : layout{std::move(job_layout)},
      order{grid.strips(), grid.blocks(), config.train.seed},
      placement{placement_of(config, order, grid.strips(), layout)},
      lease{lease_of(config)},
      als{solves_rows(config)},
      all_pairs{config.train.solver == "ials"},
      numbered{!all_pairs || config.ials.confidence != "one"},
      more_columns{als && config.model.biases ? ps::kBiasColumns : 0},
      cut_copies{config.checkpoint.background && saves_on_the_way(config)} {
  if (pulls_rows(config)) rows.emplace(config, grid, layout, placement, dataset);
  if (scheduler::streams_rows(config, layout.nodes)) {
    stream.emplace(grid, placement, visiting_of(config, grid, placement, more_columns, dataset));
  }
  if (dataset != nullptr && scheduler::ranks_in_turns(config, layout.nodes)) {
    ranked = ps::pairs_to_rank(*dataset);
  }
}

ps::NodeShare JobMap::tables(int node) const {
  if (!als) return placement.share(node, cut_copies);
  if (stream) return stream->share(node, more_columns);
  return {{0, placement.strips(placement.nodes() - 1).end}, 0, false, more_columns};
}

ps::AlsShare JobMap::als_share(int node) const {
  return {placement.strips(node), placement.homes(node), numbered, all_pairs, more_columns > 0};
}

std::size_t table_bytes(const JobMap& map, const Grid& grid, std::int64_t dim,
                        std::span<const std::uint64_t> cells, int node) {
  if (map.rows) return map.rows->bytes(grid, cells, node);
  const auto width = static_cast<std::size_t>(dim);
  std::size_t bytes = ps::Tables::bytes_needed(grid, width, map.tables(node));
  if (map.als) bytes += ps::AlsTables::bytes_needed(grid, width, map.als_share(node), cells);
  if (map.stream) {
    bytes += ps::StreamNode::bytes_needed(*map.stream, node,
                                          round_up(width + map.more_columns, kRowMultiple));
  }
  if (map.ranked.empty()) return bytes;
  return bytes + ps::RankPlaces::bytes_needed(map.ranked, map.placement.strips(node));
}

Roles::Roles(const Config& config, const Dataset& dataset, const Grid& grid, const JobMap& map,
             const Kernels& kernels, int node, std::span<std::byte> memory, JobTrace* trace)
    : config_{config}, dataset_{dataset}, map_{map}, kernels_{kernels}, node_{node}, trace_{trace} {
  if (map.rows) {
    row_job_ = map.rows->job(grid, dataset.cell_sizes(Part::train));
    rows_.emplace(memory, map.rows->layout, row_job_, node);
    return;
  }
  const auto dim = static_cast<std::size_t>(config.model.dim);
  const auto cells = dataset.cell_sizes(Part::train);
  const auto take = [&memory](std::size_t bytes) {
    return std::exchange(memory, memory.subspan(bytes)).first(bytes);
  };
  tables_.emplace(take(ps::Tables::bytes_needed(grid, dim, map.tables(node))), grid, dim,
                  map.tables(node));
  if (map.als) {
    const ps::AlsShare share = map.als_share(node);
    als_.emplace(take(ps::AlsTables::bytes_needed(grid, dim, share, cells)), *tables_, share,
                 cells);
  }
  if (map.stream) {
    streamed_.emplace(take(ps::StreamNode::bytes_needed(*map.stream, node, tables_->stride())),
                      *als_, *map.stream, node);
  }
  if (!map.ranked.empty()) places_.emplace(memory, map.ranked, map.placement.strips(node));
}

comm::RoleId Roles::first_server(int node) const {
  return map_.layout.server(ps::servers_of_node(map_.layout, node).front());
}

ps::AlsNode Roles::als_node(comm::Transport& link, int n, TraceRecorder* trace,
                            std::optional<Ring>& ring) const {
  ps::AlsNode als{als_ ? &*als_ : nullptr};
  if (map_.copies() && ring) {
    als.exchange = std::make_unique<ps::RowExchange>(
        link, first_server(map_.placement.previous(node_)), std::move(ring->link), map_.placement,
        node_, *tables_, trace);
  }
  if (!streamed_) return als;
  als.streamed = &*streamed_;
  if (map_.layout.server(n) != first_server(node_)) return als;
  std::vector<comm::RoleId> servers;
  for (int node = 0; node < map_.layout.nodes; ++node) servers.push_back(first_server(node));
  als.stream = std::make_unique<ps::RowStream>(link, std::move(servers), *streamed_, trace);
  return als;
}

std::unique_ptr<ps::Server> Roles::server(comm::Transport& link, int n,
                                          std::optional<Ring> ring) const {
  ps::ServerOptions options = server_options(config_);
  options.trace = recorder(map_.layout.server(n));
  if (rows_) return std::make_unique<ps::Server>(link, n, row_store(link, n), options.trace);
  ps::AlsNode als = als_node(link, n, options.trace, ring);
  std::unique_ptr<ps::BlockMover> mover;
  if (ring && !map_.als) {
    const ps::RingNeighbours neighbours{first_server(map_.placement.previous(node_)),
                                        first_server(map_.placement.next(node_))};
    mover = std::make_unique<ps::BlockMover>(link, neighbours, std::move(ring->link),
                                             map_.placement, node_, *tables_,
                                             std::move(ring->residents), options.trace);
  }
  auto store = std::make_unique<ps::BlockStore>(
      ps::shards_of(map_.layout, map_.placement, map_.copies()).at(static_cast<std::size_t>(n)),
      *tables_, dataset_, map_.order.steps(), options, std::move(mover), std::move(als));
  return std::make_unique<ps::Server>(link, n, std::move(store), options.trace);
}

std::unique_ptr<worker::Worker> Roles::worker(comm::Transport& link, int n) const {
  return std::make_unique<worker::Worker>(link, work(link, n), recorder(map_.layout.worker(n)));
}

std::unique_ptr<ps::ShardStore> Roles::row_store(comm::Transport& link, int n) const {
  const auto servers = ps::servers_of_node(map_.layout, node_);
  ps::RowStoreOptions options;
  options.steps = steps_of_epoch(dataset_.interactions(Part::train), map_.rows->work.batches.batch);
  for (const auto& lane : worker::lanes_of(dataset_.grid().strips(), map_.rows->work.lanes)) {
    options.sums_at.push_back(lane.begin);
  }
  options.part = {static_cast<std::uint32_t>(std::ranges::find(servers, n) - servers.begin()),
                  static_cast<std::uint32_t>(servers.size())};
  options.stored = stored_parts(config_);
  return std::make_unique<ps::RowStore>(link, *rows_, map_.layout.worker(0),
                                        map_.rows->model(config_, dataset_, kernels_.set), dataset_,
                                        std::move(options));
}

std::unique_ptr<worker::Work> Roles::work(comm::Transport& link, int n) const {
  if (rows_) {
    ps::RowWorker worker{static_cast<std::size_t>(n), {}};
    for (int node = 0; node < map_.layout.nodes; ++node) {
      const auto servers = ps::servers_of_node(map_.layout, node);
      worker.server_of_node.push_back(
          map_.layout.server(servers[static_cast<std::size_t>(n) % servers.size()]));
    }
    return std::make_unique<worker::RowWork>(link, *rows_, std::move(worker),
                                             map_.rows->model(config_, dataset_, kernels_.set),
                                             dataset_, map_.rows->work);
  }
  if (streamed_) {
    return std::make_unique<worker::StreamedAlsWork>(*streamed_, dataset_,
                                                     als_options(config_, dataset_, kernels_),
                                                     places_ ? &*places_ : nullptr);
  }
  if (als_) {
    return std::make_unique<worker::AlsWork>(*als_, dataset_,
                                             als_options(config_, dataset_, kernels_));
  }
  const ps::Share share = map_.placement.strips(node_);
  std::vector<StripId> strips;
  for (std::uint32_t s = share.begin; s < share.end; ++s) strips.emplace_back(s);
  return std::make_unique<worker::CellWork>(
      *tables_, map_.order, dataset_, std::move(strips),
      worker::CellOptions{step_of(config_, dataset_), kernels_, ranking_options(config_),
                          config_.train.seed, rank_at(config_)},
      places_ ? &*places_ : nullptr);
}

}  // namespace factorps::apps

#include "apps/row_plan.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "apps/frozen_rows.hpp"
#include "model/context.hpp"
#include "model/metric_name.hpp"
#include "ps/rows/fm_model.hpp"
#include "ps/rows/head_model.hpp"

namespace factorps::apps {
namespace {

HeadKind kind_of(const std::string& name) {
  if (name == "mf-linear") return HeadKind::mf_linear;
  if (name == "mlp") return HeadKind::mlp;
  if (name == "neumf") return HeadKind::neumf;
  return name == "gmf" ? HeadKind::gmf : HeadKind::mf;
}

HeadOptions head_of(const Config& config) {
  const ModelConfig& model = config.model;
  HeadOptions head;
  head.kind = kind_of(model.kind);
  head.loss = head_loss(config.train);
  head.dim = static_cast<std::size_t>(model.dim);
  head.biases = model.biases;
  head.tower.assign(model.tower.begin(), model.tower.end());
  head.dropout = static_cast<float>(model.dropout);
  const std::int64_t factors = model.kind == "mlp" ? model.tower.front() / 2 : model.dim;
  head.init_std = static_cast<float>(model.init_std / std::sqrt(static_cast<double>(factors)));
  return head;
}

/// @param dataset none: no rows are frozen but whole tables
ps::RowSettings settings_of(const Config& config, const Dataset* dataset) {
  const RowsConfig& rows = config.rows;
  const TrainConfig& train = config.train;
  OptimizerOptions common;
  common.kind = optimizer_from(rows.optimizer);
  common.learning_rate = static_cast<float>(train.learning_rate);
  common.clip_norm = static_cast<float>(rows.clip_norm);
  common.momentum = static_cast<float>(rows.momentum);
  common.beta1 = static_cast<float>(rows.beta1);
  common.beta2 = static_cast<float>(rows.beta2);
  common.epsilon = static_cast<float>(rows.epsilon);
  common.ftrl_beta = static_cast<float>(rows.ftrl_beta);
  common.ftrl_l1 = static_cast<float>(rows.ftrl_l1);
  common.ftrl_l2 = static_cast<float>(rows.ftrl_l2);
  ps::RowSettings settings{train.seed, common, common, common, common};
  settings.users.l2 = static_cast<float>(train.l2_user.value_or(train.l2));
  settings.items.l2 = static_cast<float>(train.l2_item.value_or(train.l2));
  settings.features.l2 = static_cast<float>(train.l2);
  settings.dense.l2 = static_cast<float>(rows.l2_dense);
  settings.dense.learning_rate =
      static_cast<float>(rows.learning_rate_dense.value_or(train.learning_rate));
  const auto frozen = [&](const char* table) { return std::ranges::count(rows.frozen, table) > 0; };
  settings.users_frozen = frozen("users");
  settings.items_frozen = frozen("items");
  settings.dense_frozen = frozen("dense");
  settings.features_frozen = frozen("features");
  settings.context_frozen = frozen("context");
  settings.history_frozen = frozen("history");
  if (dataset != nullptr) find_frozen_rows(config, *dataset, settings);
  settings.pretrained = config.model.pretrained;
  settings.pretrained_alpha = static_cast<float>(config.model.pretrained_alpha);
  return settings;
}

std::vector<ps::Share> strips_of(const ps::Placement& placement) {
  std::vector<ps::Share> strips;
  for (int node = 0; node < placement.nodes(); ++node) strips.push_back(placement.strips(node));
  return strips;
}

ps::RowPolicy policy_of(const RowsConfig& rows) {
  const auto consistency = rows.consistency == "ssp"   ? ps::Consistency::ssp
                           : rows.consistency == "asp" ? ps::Consistency::asp
                                                       : ps::Consistency::bsp;
  return {consistency, static_cast<std::uint64_t>(rows.staleness)};
}

worker::RowWorkOptions work_of(const Config& config) {
  worker::RowWorkOptions work;
  const bool ranks = learns_to_rank(config);
  work.batches = {config.train.seed,
                  static_cast<std::uint64_t>(config.rows.batch),
                  ranks ? static_cast<std::uint32_t>(config.rows.negatives) : 0,
                  ranks,
                  config.train.loss == "bpr",
                  !config.model.context.empty(),
                  config.model.history ? static_cast<std::size_t>(config.model.history_items) : 0};
  work.lanes = static_cast<std::uint32_t>(config.rows.lanes);
  const auto metric = parse_metric(config.evaluate.metric);
  work.rank_at = metric ? metric->k : 0;
  return work;
}

ps::FmOptions fm_of(const Config& config, const HeadOptions& head) {
  const ModelConfig& model = config.model;
  ps::FmOptions fm{
      {head.dim, head.loss, head.init_std}, model.user_attributes, model.item_attributes};
  for (const std::string& name : model.context) fm.context.push_back(context_from(name).value());
  fm.history_items = model.history ? static_cast<std::size_t>(model.history_items) : 0;
  fm.history_exponent = static_cast<float>(model.history_exponent);
  return fm;
}

/// @param dataset none: features of attributes are left out
std::vector<ps::RowTable> tables_of(const Config& config, const HeadOptions& head, const Grid& grid,
                                    const ps::RowSettings& settings, const Dataset* dataset) {
  if (config.model.kind != "fm") return ps::head_tables(make_head(head)->shape(), grid, settings);
  const ps::FmOptions fm = fm_of(config, head);
  std::uint64_t features = 0;
  if (dataset != nullptr) {
    ps::check_moments(fm, *dataset);
    features = ps::AttributeLists{*dataset, true, config.model.user_attributes, 0}.end();
    features = ps::AttributeLists{*dataset, false, config.model.item_attributes, features}.end();
  }
  return ps::fm_tables(fm, features, grid, settings);
}

std::vector<int> nodes_of_workers(const ps::JobLayout& job) {
  std::vector<int> nodes;
  for (int w = 0; w < job.workers; ++w) {
    nodes.push_back(job.node_of_role[static_cast<std::size_t>(job.worker(w))]);
  }
  return nodes;
}

}  // namespace

HeadLoss head_loss(const TrainConfig& train) {
  if (train.loss == "bpr") return HeadLoss::bpr;
  return train.loss == "logistic" ? HeadLoss::logistic : HeadLoss::squared;
}

RowPlan::RowPlan(const Config& config, const Grid& grid, const ps::JobLayout& job,
                 const ps::Placement& placement, const Dataset* dataset)
    : head{head_of(config)},
      settings{settings_of(config, dataset)},
      layout{tables_of(config, head, grid, settings, dataset), strips_of(placement)},
      policy{policy_of(config.rows)},
      work{work_of(config)},
      node_of_worker{nodes_of_workers(job)} {}

ps::RowJob RowPlan::job(const Grid& grid, std::span<const std::uint64_t> cells) const {
  ps::RowJob job{policy, grid.strips(), grid.blocks(), node_of_worker, {}};
  const auto sum = [&](ps::Share strips) {
    const auto first = static_cast<std::ptrdiff_t>(std::size_t{strips.begin} * grid.blocks());
    const auto last = static_cast<std::ptrdiff_t>(std::size_t{strips.end} * grid.blocks());
    return std::accumulate(cells.begin() + first, cells.begin() + last, std::uint64_t{0});
  };
  const std::uint64_t steps =
      std::max<std::uint64_t>(steps_of_epoch(sum({0, grid.strips()}), work.batches.batch), 1);
  const auto lanes = worker::lanes_of(grid.strips(), work.lanes);
  for (const auto& mine : worker::lanes_of_workers(lanes, layout, node_of_worker)) {
    std::uint64_t most = 0;  // interactions in a step
    for (const std::uint32_t lane : mine) most += sum(lanes[lane]) / steps + 2;
    auto& rows = job.most_rows.emplace_back();
    for (std::size_t t = 0; t < layout.tables().size(); ++t) {
      const ps::RowTable& table = layout.tables()[t];
      const std::uint64_t touched = t == 0                    ? most
                                    : t == 1                  ? most * (1 + work.batches.negatives)
                                    : table.name == "history" ? most * work.batches.history
                                                              : table.rows();
      rows.push_back(std::min(table.rows(), touched));
    }
  }
  return job;
}

std::size_t RowPlan::bytes(const Grid& grid, std::span<const std::uint64_t> cells, int node) const {
  return ps::RowNode::bytes_needed(layout, job(grid, cells), node);
}

std::unique_ptr<ps::RowModel> RowPlan::model(const Config& config, const Dataset& dataset,
                                             InstructionSet set) const {
  const bool adds = config.model.mean && head.loss == HeadLoss::squared;
  const float mean = adds ? static_cast<float>(dataset.train_mean()) : 0.0F;
  if (config.model.kind == "fm") {
    ps::FmOptions options = fm_of(config, head);
    options.offset = mean;
    return std::make_unique<ps::FmModel>(options, dataset, settings);
  }
  HeadOptions options = head;
  options.mu = mean;
  return std::make_unique<ps::HeadModel>(make_head(options, set), dataset, settings);
}

}  // namespace factorps::apps

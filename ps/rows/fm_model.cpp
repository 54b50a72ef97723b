#include "ps/rows/fm_model.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

#include "model/heads/workspace.hpp"
#include "ps/rows/distinct_rows.hpp"

namespace factorps::ps {
namespace {

constexpr std::size_t kUsers = 0;
constexpr std::size_t kItems = 1;
constexpr std::size_t kFeatures = 2;
constexpr std::size_t kOffset = 3;
constexpr std::uint64_t kFeatureBlocks = 64;

std::vector<std::uint64_t> even_blocks(std::uint64_t rows) {
  const std::uint64_t blocks = std::clamp<std::uint64_t>(rows, 1, kFeatureBlocks);
  std::vector<std::uint64_t> begin;
  for (std::uint64_t b = 0; b <= blocks; ++b) begin.push_back(rows * b / blocks);
  return begin;
}

std::uint32_t position(const std::vector<std::uint64_t>& rows, std::uint64_t row) {
  return static_cast<std::uint32_t>(std::ranges::lower_bound(rows, row) - rows.begin());
}

}  // namespace

std::vector<RowTable> fm_tables(std::size_t dim, std::uint64_t features, const Grid& grid,
                                const RowSettings& settings) {
  const auto width = static_cast<std::uint32_t>(1 + dim);
  return {{"users", width, grid.strip_begin, settings.users, settings.users_frozen,
           settings.frozen_users},
          {"items", width, grid.block_begin, settings.items, settings.items_frozen,
           settings.frozen_items},
          {"features", width, even_blocks(features), settings.features, settings.features_frozen,
           settings.frozen_features},
          {"offset", 1, {0, 1}, settings.dense, settings.dense_frozen, {}}};
}

FmModel::FmModel(const FmOptions& options, const Dataset& dataset, const RowSettings& settings)
    : machine_{options.machine},
      dim_{options.machine.dim},
      offset_{options.offset},
      dataset_{dataset},
      seed_{settings.seed},
      users_{dataset, true, options.user_attributes, 0},
      items_{dataset, false, options.item_attributes, users_.end()},
      tables_{fm_tables(dim_, items_.end(), dataset.grid(), settings)} {}

void FmModel::initialise(std::size_t table, std::uint64_t row, std::span<float> values) {
  if (table == kOffset) {
    values[0] = offset_;
    return;
  }
  const Grid& grid = dataset_.grid();
  const std::uint64_t before[] = {0, grid.users(), grid.users() + grid.items()};
  const bool trained = table == kUsers      ? dataset_.user_counts()[row] > 0
                       : table == kItems    ? dataset_.item_counts()[row] > 0
                       : row < users_.end() ? users_.trained(row)
                                            : items_.trained(row);
  if (trained) machine_.initialise(values, before[table] + row, seed_);
}

void FmModel::touch(const RowExamples& examples, TouchedTables& part, RowIndex& index) const {
  part.examples = examples.targets.size();
  part.tables.resize(tables_.size());
  find_distinct(examples.users, part.tables[kUsers].rows, index.users);
  find_distinct(examples.items, part.tables[kItems].rows, index.items);
  auto& features = part.tables[kFeatures].rows;
  features.clear();
  for (const std::size_t table : {kUsers, kItems}) {
    for (const std::uint64_t row : part.tables[table].rows) {
      const auto own = lists(table).features(row);
      features.insert(features.end(), own.begin(), own.end());
    }
  }
  std::ranges::sort(features);
  features.erase(std::unique(features.begin(), features.end()), features.end());
  part.tables[kOffset].rows.assign(examples.users.empty() && examples.items.empty() ? 0 : 1, 0);
}

void FmModel::gather(const TouchedTables& part) {
  rows_.clear();
  for (const std::size_t table : {kUsers, kItems, kFeatures})
    rows_.insert(rows_.end(), part.tables[table].values.begin(), part.tables[table].values.end());
  list_side(part, kUsers, sides_[kUsers]);
  list_side(part, kItems, sides_[kItems]);
}

void FmModel::list_side(const TouchedTables& part, std::size_t table, Side& side) const {
  side.begin.assign(1, 0);
  side.features.clear();
  side.values.clear();
  const auto& users = part.tables[kUsers].rows;
  const auto first = static_cast<std::uint32_t>(table == kUsers ? 0 : users.size());
  const auto features = static_cast<std::uint32_t>(users.size() + part.tables[kItems].rows.size());
  for (const std::uint64_t row : part.tables[table].rows) {
    side.features.push_back(first + static_cast<std::uint32_t>(side.begin.size() - 1));
    side.values.push_back(1);
    for (const std::uint32_t feature : lists(table).features(row))
      side.features.push_back(features + position(part.tables[kFeatures].rows, feature));
    const auto values = lists(table).values(row);
    side.values.insert(side.values.end(), values.begin(), values.end());
    side.begin.push_back(static_cast<std::uint32_t>(side.features.size()));
  }
}

FactorizationBatch FmModel::batch_of(const RowExamples& examples, const RowIndex& index) {
  batch_sides_.clear();
  for (const std::size_t table : {kUsers, kItems}) {
    const Side& side = sides_[table];
    batch_sides_.push_back(
        {{side.begin, side.features, side.values}, table == kUsers ? index.users : index.items});
  }
  return {rows_, batch_sides_, examples.targets};
}

double FmModel::gradient(const RowExamples& examples, const RowIndex& index, TouchedTables& part) {
  for (TouchedRows& touched : part.tables) touched.gradients.resize(touched.values.size());
  if (examples.targets.empty()) return 0;
  gather(part);
  gradients_.resize(rows_.size());
  const double loss = machine_.gradient(batch_of(examples, index), part.tables[kOffset].values[0],
                                        gradients_, part.tables[kOffset].gradients[0], workspace_);
  auto from = gradients_.begin();
  for (const std::size_t table : {kUsers, kItems, kFeatures}) {
    auto& to = part.tables[table].gradients;
    std::copy_n(from, to.size(), to.begin());
    from += static_cast<std::ptrdiff_t>(to.size());
  }
  return loss;
}

void FmModel::score(const RowExamples& examples, const RowIndex& index, const TouchedTables& part,
                    std::span<float> scores) {
  if (scores.empty()) return;
  gather(part);
  machine_.score(batch_of(examples, index), part.tables[kOffset].values[0], scores, workspace_);
}

void FmModel::plain_rows(const TouchedTables& part, std::size_t table, ModelRows& rows) {
  gather(part);
  rows.factors.clear();
  rows.bias.clear();
  const Side& side = sides_[table];
  for (std::size_t e = 0; e + 1 < side.begin.size(); ++e) {
    const std::size_t first = side.begin[e];
    const std::size_t size = side.begin[e + 1] - first;
    const PlainRow row = machine_.plain(std::span{side.features}.subspan(first, size),
                                        std::span{side.values}.subspan(first, size), rows_);
    rows.factors.insert(rows.factors.end(), row.factors.begin(), row.factors.end());
    rows.bias.push_back(row.bias);
  }
}

void FmModel::rank_items(const TouchedTables& items) {
  plain_rows(items, kItems, ranked_items_);
  w0_ = items.tables[kOffset].values[0];
}

void FmModel::score_items(std::uint32_t user, std::size_t first, std::span<float> scores) {
  const float* factors = ranked_users_.factors.data() + user * dim_;
  const float base = w0_ + ranked_users_.bias[user];
  for (std::size_t n = 0; n < scores.size(); ++n) {
    const float* item = ranked_items_.factors.data() + (first + n) * dim_;
    scores[n] = base + ranked_items_.bias[first + n] +
                sum_of_terms(dim_, [&](std::size_t k) { return factors[k] * item[k]; });
  }
}

std::vector<AttributeFeature> FmModel::exported(std::size_t table) const {
  std::vector<AttributeFeature> attributes = lists(table).attributes();
  const std::size_t width = machine_.width();
  const float* rows = features_.data() + lists(table).first() * width;
  for (AttributeFeature& attribute : attributes) {
    attribute.rows.assign(rows, rows + attribute.size() * width);
    rows += attribute.size() * width;
  }
  return attributes;
}

ModelInfo FmModel::begin_export(const BlockReader& read) {
  features_.clear();
  for (std::uint32_t b = 0; b < tables_[kFeatures].blocks(); ++b) {
    const auto values = read(kFeatures, b);
    features_.insert(features_.end(), values.begin(), values.end());
  }
  ModelInfo info;
  info.kind = "fm";
  info.dim = dim_;
  info.mu = double{read(kOffset, 0)[0]};
  info.features = ModelFeatures{exported(kUsers), exported(kItems)};
  return info;
}

void FmModel::model_rows(std::size_t table, std::uint32_t block, const BlockReader& read,
                         ModelRows& rows) {
  TouchedTables part;
  part.tables.resize(tables_.size());
  const auto& begin = tables_[table].begin;
  part.tables[table].rows.resize(begin[block + 1] - begin[block]);
  std::iota(part.tables[table].rows.begin(), part.tables[table].rows.end(), begin[block]);
  const auto values = read(table, block);
  part.tables[table].values.assign(values.begin(), values.end());
  part.tables[kFeatures].rows.resize(tables_[kFeatures].rows());
  std::iota(part.tables[kFeatures].rows.begin(), part.tables[kFeatures].rows.end(),
            std::uint64_t{0});
  part.tables[kFeatures].values = features_;
  plain_rows(part, table, rows);
}

}  // namespace factorps::ps

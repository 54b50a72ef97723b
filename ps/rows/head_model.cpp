#include "ps/rows/head_model.hpp"

#include <algorithm>
#include <numeric>

#include "ps/rows/distinct_rows.hpp"

namespace factorps::ps {
namespace {

constexpr std::size_t kUsers = 0;
constexpr std::size_t kItems = 1;
constexpr std::size_t kDense = 2;  // and on

RowTable table_of(std::string name, std::size_t width, std::vector<std::uint64_t> begin,
                  const OptimizerOptions& optimizer, bool frozen,
                  std::vector<std::uint64_t> frozen_rows) {
  return {std::move(name),  static_cast<std::uint32_t>(width),
          std::move(begin), optimizer,
          frozen,           std::move(frozen_rows)};
}

}  // namespace

std::vector<RowTable> head_tables(const HeadShape& shape, const Grid& grid,
                                  const RowSettings& settings) {
  std::vector<RowTable> tables{table_of("users", shape.user_width, grid.strip_begin, settings.users,
                                        settings.users_frozen, settings.frozen_users),
                               table_of("items", shape.item_width, grid.block_begin, settings.items,
                                        settings.items_frozen, settings.frozen_items)};
  for (const DenseTensor& tensor : shape.dense) {
    tables.push_back(table_of(tensor.name, tensor.columns, {0, tensor.rows}, settings.dense,
                              settings.dense_frozen, {}));
  }
  return tables;
}

HeadModel::HeadModel(std::unique_ptr<Head> head, const Dataset& dataset,
                     const RowSettings& settings)
    : head_{std::move(head)},
      dataset_{dataset},
      settings_{settings},
      tables_{head_tables(head_->shape(), dataset.grid(), settings)},
      dense_(head_->shape().dense_size),
      dense_gradients_(head_->shape().dense_size) {}

/// A training that goes on needs none of it, and the files may be gone by then.
void HeadModel::begin_initial() {
  if (!initial_dense_.empty() || head_->shape().dense_size == 0) return;
  if (!settings_.pretrained.empty()) {
    start_ = std::make_unique<FusedStart>(*head_, settings_.pretrained[0], settings_.pretrained[1],
                                          settings_.pretrained_alpha, dataset_);
    initial_dense_ = start_->dense();
  } else {
    initial_dense_.resize(head_->shape().dense_size);
    head_->initialise_dense(initial_dense_, settings_.seed);
  }
}

void HeadModel::initialise_row(std::size_t table, std::uint64_t row,
                               std::span<float> values) const {
  const bool user = table == kUsers;
  if ((user ? dataset_.user_counts() : dataset_.item_counts())[row] == 0) return;
  if (start_) {
    user ? start_->user(row, values) : start_->item(row, values);
  } else {
    user ? head_->initialise_user(values, row, settings_.seed)
         : head_->initialise_item(values, row, settings_.seed);
  }
}

void HeadModel::initialise(std::size_t table, std::uint64_t row, std::span<float> values) {
  begin_initial();
  if (table == kUsers || table == kItems) {
    initialise_row(table, row, values);
  } else {
    const DenseTensor& tensor = head_->shape().dense[table - kDense];
    std::copy_n(initial_dense_.data() + tensor.offset + row * tensor.columns, tensor.columns,
                values.data());
  }
}

void HeadModel::touch(const RowExamples& examples, TouchedTables& part, RowIndex& index) const {
  part.examples = examples.targets.size();
  part.tables.resize(tables_.size());
  find_distinct(examples.users, part.tables[kUsers].rows, index.users);
  find_distinct(examples.items, part.tables[kItems].rows, index.items);
  for (std::size_t t = kDense; t < tables_.size(); ++t) {
    const bool none = examples.users.empty() && examples.items.empty();
    part.tables[t].rows.resize(none ? 0 : tables_[t].rows());
    std::iota(part.tables[t].rows.begin(), part.tables[t].rows.end(), std::uint64_t{0});
  }
}

void HeadModel::gather_dense(const TouchedTables& part) {
  for (std::size_t t = kDense; t < tables_.size(); ++t) {
    std::ranges::copy(
        part.tables[t].values,
        dense_.begin() + static_cast<std::ptrdiff_t>(head_->shape().dense[t - kDense].offset));
  }
}

double HeadModel::gradient(const RowExamples& examples, const RowIndex& index,
                           TouchedTables& part) {
  for (TouchedRows& touched : part.tables) touched.gradients.resize(touched.values.size());
  if (examples.targets.empty()) return 0;
  gather_dense(part);
  const HeadBatch batch{{part.tables[kUsers].values, index.users},
                        {part.tables[kItems].values, index.items},
                        examples.targets,
                        settings_.seed,
                        examples.first};
  const HeadGradients gradients{part.tables[kUsers].gradients, part.tables[kItems].gradients,
                                dense_gradients_};
  const double loss = head_->gradient(batch, dense_, gradients, workspace_);
  for (std::size_t t = kDense; t < tables_.size(); ++t) {
    const DenseTensor& tensor = head_->shape().dense[t - kDense];
    std::copy_n(dense_gradients_.data() + tensor.offset, tensor.size(),
                part.tables[t].gradients.data());
  }
  return loss;
}

void HeadModel::score(const RowExamples& examples, const RowIndex& index, const TouchedTables& part,
                      std::span<float> scores) {
  gather_dense(part);
  const std::size_t width = tables_[kItems].width;
  const auto& users = part.tables[kUsers].values;
  const std::size_t user_width = tables_[kUsers].width;
  for (std::size_t n = 0; n < scores.size();) {
    const std::size_t first = n;
    items_.clear();
    for (; n < scores.size() && examples.users[n] == examples.users[first]; ++n) {
      const float* item = part.tables[kItems].values.data() + index.items[n] * width;
      items_.insert(items_.end(), item, item + width);
    }
    head_->score(std::span{users}.subspan(index.users[first] * user_width, user_width), items_,
                 dense_, scores.subspan(first, n - first), workspace_);
  }
}

void HeadModel::rank_items(const TouchedTables& items) {
  ranked_items_ = &items;
  gather_dense(items);
}

void HeadModel::score_items(std::uint32_t user, std::size_t first, std::span<float> scores) {
  const std::size_t user_width = tables_[kUsers].width;
  const std::size_t width = tables_[kItems].width;
  const std::span<const float> users{ranked_users_->tables[kUsers].values};
  const std::span<const float> items{ranked_items_->tables[kItems].values};
  head_->score(users.subspan(user * user_width, user_width),
               items.subspan(first * width, scores.size() * width), dense_, scores, workspace_);
}

ModelInfo HeadModel::begin_export(const BlockReader& read) {
  for (std::size_t t = kDense; t < tables_.size(); ++t) {
    const std::size_t offset = head_->shape().dense[t - kDense].offset;
    std::ranges::copy(read(t, 0), dense_.begin() + static_cast<std::ptrdiff_t>(offset));
  }
  ModelInfo info;
  if (head_->has_plain_form()) {
    const std::vector<float> row(tables_[kUsers].width);
    info.dim = head_->plain_user(row, dense_).factors.size();
    info.mu = double{head_->plain_offset(dense_)};
    return info;
  }
  const HeadOptions& options = head_->options();
  const bool mlp = options.kind == HeadKind::mlp;
  info.kind = mlp ? "mlp" : "neumf";
  info.dim = tables_[kUsers].width;
  info.layers =
      ModelLayers{mlp ? 0 : options.dim, {options.tower.begin(), options.tower.end()}, dense_};
  return info;
}

void HeadModel::model_rows(std::size_t table, std::uint32_t block, const BlockReader& read,
                           ModelRows& rows) {
  rows.factors.clear();
  rows.bias.clear();
  const std::span<const float> values = read(table, block);
  const std::size_t width = tables_[table].width;
  if (!head_->has_plain_form()) {
    rows.factors.assign(values.begin(), values.end());
    rows.bias.assign(values.size() / width, 0.0F);
    return;
  }
  for (std::size_t at = 0; at < values.size(); at += width) {
    const auto row = values.subspan(at, width);
    const PlainRow plain =
        table == kUsers ? head_->plain_user(row, dense_) : head_->plain_item(row, dense_);
    rows.factors.insert(rows.factors.end(), plain.factors.begin(), plain.factors.end());
    rows.bias.push_back(plain.bias);
  }
}

}  // namespace factorps::ps

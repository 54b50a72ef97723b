#include "ps/rows/head_model.hpp"

#include <algorithm>
#include <numeric>

namespace factorps::ps {
namespace {

constexpr std::size_t kUsers = 0;
constexpr std::size_t kItems = 1;
constexpr std::size_t kDense = 2;  // and on

RowTable table_of(std::string name, std::size_t width, std::vector<std::uint64_t> begin,
                  const OptimizerOptions& optimizer, bool frozen) {
  return {
      std::move(name), static_cast<std::uint32_t>(width), std::move(begin), optimizer, frozen, {}};
}

/// @param index [example] where the row of each stands among the distinct ones
void find_distinct(const std::vector<std::uint64_t>& rows, std::vector<std::uint64_t>& distinct,
                   std::vector<std::uint32_t>& index) {
  distinct = rows;
  std::ranges::sort(distinct);
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  index.clear();
  for (const std::uint64_t row : rows) {
    const auto at = std::ranges::lower_bound(distinct, row);
    index.push_back(static_cast<std::uint32_t>(at - distinct.begin()));
  }
}

}  // namespace

std::vector<RowTable> head_tables(const HeadShape& shape, const Grid& grid,
                                  const RowSettings& settings) {
  std::vector<RowTable> tables{
      table_of("users", shape.user_width, grid.strip_begin, settings.users, settings.users_frozen),
      table_of("items", shape.item_width, grid.block_begin, settings.items, settings.items_frozen)};
  for (const DenseTensor& tensor : shape.dense) {
    tables.push_back(table_of(tensor.name, tensor.columns, {0, tensor.rows}, settings.dense,
                              settings.dense_frozen));
  }
  return tables;
}

HeadModel::HeadModel(std::unique_ptr<Head> head, const Dataset& dataset,
                     const RowSettings& settings)
    : head_{std::move(head)},
      dataset_{dataset},
      seed_{settings.seed},
      tables_{head_tables(head_->shape(), dataset.grid(), settings)},
      initial_dense_(head_->shape().dense_size),
      dense_(head_->shape().dense_size),
      dense_gradients_(head_->shape().dense_size) {
  head_->initialise_dense(initial_dense_, settings.seed);
}

void HeadModel::initialise(std::size_t table, std::uint64_t row, std::span<float> values) const {
  if (table == kUsers) {
    if (dataset_.user_counts()[row] > 0) head_->initialise_user(values, row, seed_);
  } else if (table == kItems) {
    if (dataset_.item_counts()[row] > 0) head_->initialise_item(values, row, seed_);
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
    part.tables[t].rows.resize(examples.users.empty() ? 0 : tables_[t].rows());
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
                        seed_,
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

void HeadModel::begin_export(const BlockReader& read) {
  for (std::size_t t = kDense; t < tables_.size(); ++t) {
    const std::size_t offset = head_->shape().dense[t - kDense].offset;
    std::ranges::copy(read(t, 0), dense_.begin() + static_cast<std::ptrdiff_t>(offset));
  }
}

PlainShape HeadModel::plain_shape() const {
  const std::vector<float> row(tables_[kUsers].width);
  return {head_->plain_user(row, dense_).factors.size(), head_->plain_offset(dense_)};
}

void HeadModel::plain_rows(std::size_t table, std::uint32_t block, const BlockReader& read,
                           PlainRows& rows) {
  rows.factors.clear();
  rows.bias.clear();
  const std::span<const float> values = read(table, block);
  const std::size_t width = tables_[table].width;
  for (std::size_t at = 0; at < values.size(); at += width) {
    const auto row = values.subspan(at, width);
    const PlainRow plain =
        table == kUsers ? head_->plain_user(row, dense_) : head_->plain_item(row, dense_);
    rows.factors.insert(rows.factors.end(), plain.factors.begin(), plain.factors.end());
    rows.bias.push_back(plain.bias);
  }
}

}  // namespace factorps::ps

#include <algorithm>
#include <limits>
#include <numeric>

#include "ps/rows/distinct_rows.hpp"
#include "ps/rows/fm_model.hpp"

namespace factorps::ps {
namespace {

std::int64_t latest_time(const Dataset& dataset) {
  std::int64_t latest = std::numeric_limits<std::int64_t>::min();
  for (std::uint32_t s = 0; s < dataset.grid().strips(); ++s) {
    for (std::uint32_t b = 0; b < dataset.grid().blocks(); ++b) {
      for (const std::int64_t time : dataset.times(Part::train, StripId{s}, BlockId{b}))
        latest = std::max(latest, time);
    }
  }
  return latest;
}

}  // namespace

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

std::vector<ContextFeature> FmModel::exported_contexts(const BlockReader& read) const {
  const std::span<const float> rows = read(context_, 0);
  std::vector<ContextFeature> features;
  std::size_t at = 0;
  for (const ContextKind kind : options_.context) {
    const auto own = rows.subspan(at, size_of(kind) * machine_.width());
    features.push_back({kind, {own.begin(), own.end()}});
    at += own.size();
  }
  std::ranges::sort(features, {}, &ContextFeature::kind);
  return features;
}

void FmModel::read_all(std::size_t table, const BlockReader& read,
                       std::vector<float>& values) const {
  values.clear();
  for (std::uint32_t b = 0; b < tables_[table].blocks(); ++b) {
    const auto some = read(table, b);
    values.insert(values.end(), some.begin(), some.end());
  }
}

ModelInfo FmModel::begin_export(const BlockReader& read) {
  read_all(kFeatures, read, features_);
  if (history_ > 0) read_all(history_, read, had_);
  ModelInfo info;
  info.kind = "fm";
  info.dim = dim_;
  info.mu = double{read(kOffset, 0)[0]};
  info.features = ModelFeatures{exported(kUsers), exported(kItems), {}, 0};
  if (context_ == 0) return info;
  info.features->context = exported_contexts(read);
  info.features->latest_time = latest_time(dataset_);
  return info;
}

void FmModel::list_exported_users(std::uint32_t strip, RowExamples& examples, TouchedTables& part) {
  const UserHistories all{dataset_, {strip, strip + 1}, options_.history_items, seed_};
  for (const std::uint64_t user : part.tables[kUsers].rows) all.add_all(user, examples.histories);
  auto& rows = part.tables[history_].rows;
  rows.assign(examples.histories.items.begin(), examples.histories.items.end());
  make_distinct(rows);
  auto& values = part.tables[history_].values;
  for (const std::uint64_t row : rows) {
    const auto own = std::span{had_}.subspan(row * machine_.width(), machine_.width());
    values.insert(values.end(), own.begin(), own.end());
  }
}

/// Users with all that they have as their history, in no moment.
void FmModel::model_rows(std::size_t table, std::uint32_t block, const BlockReader& read,
                         ModelRows& rows) {
  TouchedTables part;
  RowExamples examples;
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
  const bool with_history = table == kUsers && history_ > 0;
  if (with_history) list_exported_users(block, examples, part);
  gather(examples, part);
  Side all = sides_[table];
  if (with_history) {
    all.clear();
    for (std::size_t user = 0; user < part.tables[kUsers].rows.size(); ++user) {
      all.add_all(sides_[kUsers], user);
      all.add_all(histories_, user);
      all.finish_entity();
    }
  }
  plain_rows(all, rows);
}

}  // namespace factorps::ps

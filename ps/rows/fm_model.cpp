#include "ps/rows/fm_model.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "model/kernels/dot_kernel.hpp"
#include "ps/rows/distinct_rows.hpp"

namespace factorps::ps {
namespace {

constexpr std::uint64_t kFeatureBlocks = 64;

std::vector<std::uint64_t> even_blocks(std::uint64_t rows) {
  const std::uint64_t blocks = std::clamp<std::uint64_t>(rows, 1, kFeatureBlocks);
  std::vector<std::uint64_t> begin;
  for (std::uint64_t b = 0; b <= blocks; ++b) begin.push_back(rows * b / blocks);
  return begin;
}

/// Calls visit(row of the table of contexts) for each feature of a moment.
template <class Visit>
void for_each_context(const std::vector<ContextKind>& kinds, std::int64_t time, Visit&& visit) {
  std::uint32_t first = 0;
  for (const ContextKind kind : kinds) {
    visit(first + context_value(kind, time));
    first += static_cast<std::uint32_t>(size_of(kind));
  }
}

}  // namespace

std::size_t FmOptions::contexts() const {
  std::size_t rows = 0;
  for (const ContextKind kind : context) rows += size_of(kind);
  return rows;
}

std::vector<RowTable> fm_tables(const FmOptions& options, std::uint64_t features, const Grid& grid,
                                const RowSettings& settings) {
  const auto width = static_cast<std::uint32_t>(1 + options.machine.dim);
  std::vector<RowTable> tables{{"users", width, grid.strip_begin, settings.users,
                                settings.users_frozen, settings.frozen_users},
                               {"items", width, grid.block_begin, settings.items,
                                settings.items_frozen, settings.frozen_items},
                               {"features", width, even_blocks(features), settings.features,
                                settings.features_frozen, settings.frozen_features},
                               {"offset", 1, {0, 1}, settings.dense, settings.dense_frozen, {}}};
  if (!options.context.empty())
    tables.push_back({"context",
                      width,
                      {0, options.contexts()},
                      settings.features,
                      settings.context_frozen,
                      {}});
  if (options.history_items > 0)
    tables.push_back(
        {"history", width, grid.block_begin, settings.features, settings.history_frozen, {}});
  return tables;
}

void check_moments(const FmOptions& options, const Dataset& dataset) {
  if (!options.context.empty()) dataset.require_times("which model.context needs");
}

void FmModel::Side::clear() {
  begin.assign(1, 0);
  features.clear();
  values.clear();
  of_example.clear();
}

void FmModel::Side::add(std::uint32_t feature, float value) {
  features.push_back(feature);
  values.push_back(value);
}

void FmModel::Side::add_all(const Side& other, std::size_t entity) {
  for (std::size_t n = other.begin[entity]; n < other.begin[entity + 1]; ++n)
    add(other.features[n], other.values[n]);
}

FmModel::FmModel(const FmOptions& options, const Dataset& dataset, const RowSettings& settings)
    : machine_{options.machine},
      options_{options},
      dim_{options.machine.dim},
      offset_{options.offset},
      dataset_{dataset},
      seed_{settings.seed},
      users_{dataset, true, options.user_attributes, 0},
      items_{dataset, false, options.item_attributes, users_.end()},
      tables_{fm_tables(options, items_.end(), dataset.grid(), settings)},
      wide_{kUsers, kItems, kFeatures},
      first_(tables_.size()) {
  check_moments(options, dataset);
  if (!options.context.empty()) wide_.push_back(context_ = kOffset + 1);
  if (options.history_items > 0) wide_.push_back(history_ = tables_.size() - 1);
}

void FmModel::initialise(std::size_t table, std::uint64_t row, std::span<float> values) {
  if (table == kOffset) {
    values[0] = offset_;
    return;
  }
  if (!trained(table, row)) return;
  std::uint64_t before = 0;
  for (const std::size_t other : wide_) {
    if (other == table) break;
    before += tables_[other].rows();
  }
  machine_.initialise(values, before + row, seed_);
}

bool FmModel::trained(std::size_t table, std::uint64_t row) {
  if (table == kUsers) return dataset_.user_counts()[row] > 0;
  if (table == kItems || table == history_) return dataset_.item_counts()[row] > 0;
  if (table == kFeatures) return row < users_.end() ? users_.trained(row) : items_.trained(row);
  if (with_context_.empty()) find_trained_contexts();
  return with_context_[row];
}

void FmModel::find_trained_contexts() {
  with_context_.resize(options_.contexts());
  const Grid& grid = dataset_.grid();
  for (std::uint32_t s = 0; s < grid.strips(); ++s) {
    for (std::uint32_t b = 0; b < grid.blocks(); ++b) {
      for (const std::int64_t time : dataset_.times(Part::train, StripId{s}, BlockId{b}))
        for_each_context(options_.context, time,
                         [&](std::uint32_t row) { with_context_[row] = true; });
    }
  }
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
  make_distinct(features);
  part.tables[kOffset].rows.assign(examples.users.empty() && examples.items.empty() ? 0 : 1, 0);
  if (context_ > 0) {
    auto& rows = part.tables[context_].rows;
    rows.clear();
    for (const std::int64_t time : examples.times)
      for_each_context(options_.context, time, [&](std::uint32_t row) { rows.push_back(row); });
    make_distinct(rows);
  }
  if (history_ > 0) {
    const auto& had = examples.histories.items;
    part.tables[history_].rows.assign(had.begin(), had.end());
    make_distinct(part.tables[history_].rows);
  }
}

void FmModel::gather(const RowExamples& examples, const TouchedTables& part) {
  rows_.clear();
  for (const std::size_t table : wide_) {
    const auto& values = part.tables[table].values;
    first_[table] = static_cast<std::uint32_t>(rows_.size() / machine_.width());
    rows_.insert(rows_.end(), values.begin(), values.end());
  }
  list_side(part, kUsers, sides_[kUsers]);
  list_side(part, kItems, sides_[kItems]);
  if (context_ > 0) list_moments(examples, part);
  if (history_ > 0) list_histories(examples.histories, part);
}

std::uint32_t FmModel::place(const TouchedTables& part, std::size_t table,
                             std::uint64_t row) const {
  const auto& rows = part.tables[table].rows;
  const auto at = std::ranges::lower_bound(rows, row) - rows.begin();
  return first_[table] + static_cast<std::uint32_t>(at);
}

void FmModel::list_side(const TouchedTables& part, std::size_t table, Side& side) const {
  side.clear();
  std::uint32_t own = first_[table];
  for (const std::uint64_t row : part.tables[table].rows) {
    side.add(own++, 1);
    const auto features = lists(table).features(row);
    const auto values = lists(table).values(row);
    for (std::size_t n = 0; n < features.size(); ++n)
      side.add(place(part, kFeatures, features[n]), values[n]);
    side.finish_entity();
  }
}

/// Moments with the same features are one.
void FmModel::list_moments(const RowExamples& examples, const TouchedTables& part) {
  moments_.clear();
  std::map<std::vector<std::uint32_t>, std::uint32_t> known;
  for (const std::int64_t time : examples.times) {
    std::vector<std::uint32_t> features;
    for_each_context(options_.context, time, [&](std::uint32_t row) { features.push_back(row); });
    const auto [at, fresh] =
        known.try_emplace(features, static_cast<std::uint32_t>(moments_.begin.size() - 1));
    moments_.of_example.push_back(at->second);
    if (!fresh) continue;
    for (const std::uint32_t row : features) moments_.add(place(part, context_, row), 1);
    moments_.finish_entity();
  }
}

void FmModel::list_histories(const ItemSets& histories, const TouchedTables& part) {
  histories_.clear();
  for (std::size_t set = 0; set < histories.size(); ++set) {
    const auto items = histories.of(set);
    const float value = std::pow(static_cast<float>(items.size()), -options_.history_exponent);
    for (const std::uint32_t item : items) histories_.add(place(part, history_, item), value);
    histories_.finish_entity();
  }
}

FactorizationBatch FmModel::batch_of(const RowExamples& examples, const RowIndex& index) {
  batch_sides_.clear();
  batch_sides_.push_back({sides_[kUsers].lists(), index.users});
  batch_sides_.push_back({sides_[kItems].lists(), index.items});
  if (context_ > 0) batch_sides_.push_back({moments_.lists(), moments_.of_example});
  if (history_ > 0) batch_sides_.push_back({histories_.lists(), examples.history_of});
  return {rows_, batch_sides_, examples.targets};
}

double FmModel::gradient(const RowExamples& examples, const RowIndex& index, TouchedTables& part) {
  for (TouchedRows& touched : part.tables) touched.gradients.resize(touched.values.size());
  if (examples.targets.empty()) return 0;
  gather(examples, part);
  gradients_.resize(rows_.size());
  const double loss = machine_.gradient(batch_of(examples, index), part.tables[kOffset].values[0],
                                        gradients_, part.tables[kOffset].gradients[0], workspace_);
  auto from = gradients_.begin();
  for (const std::size_t table : wide_) {
    auto& to = part.tables[table].gradients;
    std::copy_n(from, to.size(), to.begin());
    from += static_cast<std::ptrdiff_t>(to.size());
  }
  return loss;
}

void FmModel::score(const RowExamples& examples, const RowIndex& index, const TouchedTables& part,
                    std::span<float> scores) {
  if (scores.empty()) return;
  gather(examples, part);
  machine_.score(batch_of(examples, index), part.tables[kOffset].values[0], scores, workspace_);
}

void FmModel::plain_rows(const Side& side, ModelRows& rows) const {
  rows.factors.clear();
  rows.bias.clear();
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
  gather({}, items);
  plain_rows(sides_[kItems], ranked_items_);
  w0_ = items.tables[kOffset].values[0];
}

/// A user in a moment with a history is one entity.
void FmModel::rank_users(const RowExamples& examples, const TouchedTables& users) {
  gather(examples, users);
  Side all;
  all.clear();
  for (std::size_t user = 0; user < users.tables[kUsers].rows.size(); ++user) {
    all.add_all(sides_[kUsers], user);
    if (context_ > 0) all.add_all(moments_, moments_.of_example[user]);
    if (history_ > 0) all.add_all(histories_, examples.history_of[user]);
    all.finish_entity();
  }
  plain_rows(all, ranked_users_);
}

void FmModel::score_items(std::uint32_t user, std::size_t first, std::span<float> scores) {
  const float* factors = ranked_users_.factors.data() + user * dim_;
  const float base = w0_ + ranked_users_.bias[user];
  for (std::size_t n = 0; n < scores.size(); ++n) {
    const float* item = ranked_items_.factors.data() + (first + n) * dim_;
    scores[n] = base + ranked_items_.bias[first + n] + dot_kernels().dot(1, factors, item, dim_);
  }
}

}  // namespace factorps::ps

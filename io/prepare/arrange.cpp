#include "io/prepare/arrange.hpp"

#include <limits>
#include <utility>
#include <vector>

#include "common/error.hpp"
#include "common/parallel.hpp"
#include "common/random.hpp"
#include "model/grid.hpp"

namespace factorps {
namespace {

/// Which dense id each table row has, and back.
struct Placement {
  std::vector<std::uint32_t> dense_of_row;
  std::vector<std::uint32_t> row_of_dense;  // undefined for ids without rows
};

Placement place(const Column<std::uint32_t>& column, std::uint64_t num_ids, std::uint64_t seed,
                Purpose purpose) {
  std::vector<bool> used(num_ids, false);
  for (const std::uint32_t id : column) used[id] = true;
  std::vector<std::uint32_t> kept;
  for (std::uint32_t id = 0; id < num_ids; ++id) {
    if (used[id]) kept.push_back(id);
  }
  const auto row_of_kept =
      seeded_permutation(static_cast<std::uint32_t>(kept.size()), seed, purpose);
  Placement result{std::vector<std::uint32_t>(kept.size()), std::vector<std::uint32_t>(num_ids)};
  for (std::size_t k = 0; k < kept.size(); ++k) {
    result.dense_of_row[row_of_kept[k]] = kept[k];
    result.row_of_dense[kept[k]] = row_of_kept[k];
  }
  return result;
}

void renumber(Column<std::uint32_t>& column, const Placement& placement, std::uint32_t threads) {
  for_ranges(column.size(), threads, [&](std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t n = first; n < last; ++n) column[n] = placement.row_of_dense[column[n]];
  });
}

Normalisation reorder(const Normalisation& by_dense, const Placement& users,
                      const Placement& items) {
  if (by_dense.by == NormaliseBy::global) return by_dense;
  const Placement& placement = by_dense.by == NormaliseBy::user ? users : items;
  Normalisation result{by_dense.by, {}, {}};
  for (const std::uint32_t dense : placement.dense_of_row) {
    result.offset.push_back(by_dense.offset[dense]);
    result.scale.push_back(by_dense.scale[dense]);
  }
  return result;
}

/// Factors, bias and optimizer state of one item.
std::uint64_t item_row_bytes(const ModelConfig& model) {
  return static_cast<std::uint64_t>(model.dim) * sizeof(float) + 4 * sizeof(float);
}

Grid cut_grid(const PartitionedInteractions& rows, std::uint64_t users, std::uint64_t items,
              const Config& config) {
  const auto user_weights = train_counts(rows.users, rows.parts, users);
  const auto item_weights = train_counts(rows.items, rows.parts, items);
  GridShape shape = choose_grid(static_cast<std::uint32_t>(config.grid.parallelism), users, items,
                                rows.users.size(), item_row_bytes(config.model),
                                static_cast<std::uint64_t>(config.grid.cache_kib) * 1024);
  if (config.grid.strips > 0) shape.strips = static_cast<std::uint32_t>(config.grid.strips);
  if (config.grid.blocks > 0) shape.blocks = static_cast<std::uint32_t>(config.grid.blocks);
  return {cut_balanced(user_weights, shape.strips, std::numeric_limits<std::uint32_t>::max()),
          cut_balanced(item_weights, shape.blocks, kMaxBlockItems)};
}

}  // namespace

DatasetContents arrange(GroupedRows data, const IdTable& user_ids, const IdTable& item_ids,
                        const Normalisation& normalisation, const Config& config,
                        std::uint32_t threads) {
  const std::uint64_t seed = config.split.seed;
  const Placement users = place(data.rows.users, user_ids.size(), seed, Purpose::permute_users);
  const Placement items = place(data.rows.items, item_ids.size(), seed, Purpose::permute_items);
  renumber(data.rows.users, users, threads);
  renumber(data.rows.items, items, threads);
  DatasetContents contents;
  contents.user_ids = user_ids.select(users.dense_of_row);
  contents.item_ids = item_ids.select(items.dense_of_row);
  contents.normalisation = reorder(normalisation, users, items);
  contents.interactions = {std::move(data.rows.users), std::move(data.rows.items),
                           std::move(data.rows.values), std::move(data.parts),
                           std::move(data.rows.times)};
  contents.grid =
      cut_grid(contents.interactions, contents.user_ids.size(), contents.item_ids.size(), config);
  return contents;
}

}  // namespace factorps

#include "ps/model_export.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "io/id_key.hpp"

namespace factorps::ps {
namespace {

constexpr std::uint64_t kRowsAtOnce = 4096;

/// Passes rows on in packed pieces: factors n x dim, bias n.
template <class Append>
void each_piece(RowsView rows, std::size_t dim, Append&& append) {
  std::vector<float> factors;
  std::vector<float> bias;
  for (std::uint64_t first = 0; first < rows.rows; first += kRowsAtOnce) {
    factors.clear();
    bias.clear();
    for (std::uint64_t r = first; r < std::min(first + kRowsAtOnce, rows.rows); ++r) {
      const float* row = rows.factors + r * rows.stride;
      factors.insert(factors.end(), row, row + dim);
      bias.push_back(rows.states[r].bias);
    }
    append(std::span<const float>{factors}, std::span<const float>{bias});
  }
}

/// The training items of each user of a strip, ascending, one user after the other.
std::vector<std::uint32_t> seen_of(const Dataset& dataset, StripId strip) {
  const Grid& grid = dataset.grid();
  const RowRange users = grid.users_of(strip);
  std::vector<std::size_t> next(users.size() + 1, 0);
  for (std::uint64_t u = 0; u < users.size(); ++u) {
    next[u + 1] = next[u] + dataset.user_counts()[users.begin + u];
  }
  std::vector<std::uint32_t> seen(next.back());
  for (std::uint32_t b = 0; b < grid.blocks(); ++b) {
    const CellView cell = dataset.cell(Part::train, strip, BlockId{b});
    const auto first_item = static_cast<std::uint32_t>(grid.items_of(BlockId{b}).begin);
    for_each_interaction(cell, [&](std::uint32_t user, std::size_t n) {
      seen[next[user]++] = first_item + cell.items[n];
    });
  }
  return seen;
}

void write_seen(ModelWriter& writer, const Dataset& dataset) {
  std::vector<std::uint64_t> offsets{0};
  for (const std::uint32_t count : dataset.user_counts()) offsets.push_back(offsets.back() + count);
  writer.create_seen(offsets);
  for (std::uint32_t s = 0; s < dataset.grid().strips(); ++s) {
    writer.append_seen(seen_of(dataset, StripId{s}));
  }
}

}  // namespace

RowSource rows_in_memory(const Tables& tables) {
  return [&tables](RowsKind kind, std::uint32_t index) {
    return kind == RowsKind::strip ? tables.strip(StripId{index}) : tables.block(BlockId{index});
  };
}

RowSource rows_in_files(const std::vector<std::filesystem::path>& shards, const Grid& grid,
                        std::size_t dim) {
  struct Loaded {
    ShardReader reader;
    std::vector<float> factors;
    std::vector<RowState> states;
  };
  const auto loaded = std::make_shared<Loaded>(Loaded{ShardReader{shards}, {}, {}});
  return [loaded, &grid, dim](RowsKind kind, std::uint32_t index) {
    const RowRange range =
        kind == RowsKind::strip ? grid.users_of(StripId{index}) : grid.items_of(BlockId{index});
    loaded->factors.resize(range.size() * dim);
    loaded->states.resize(range.size());
    const RowsView rows{loaded->factors.data(), loaded->states.data(), dim, range.size()};
    loaded->reader.read(kind, index, rows, dim);
    return rows;
  };
}

std::string export_model(const RowSource& rows, ModelInfo info, const Dataset& dataset,
                         const std::filesystem::path& run, const std::string& provenance,
                         const StoredParts& stored) {
  const Grid& grid = dataset.grid();
  const std::size_t dim = info.dim;
  info.users = grid.users();
  info.items = grid.items();
  info.value_min = dataset.value_min();
  info.value_max = dataset.value_max();
  info.normalisation = dataset.normalisation();
  info.provenance = provenance;
  ModelWriter writer{run / "model.h5", info};
  for (std::uint32_t s = 0; s < grid.strips(); ++s) {
    each_piece(rows(RowsKind::strip, s), dim,
               [&](auto factors, auto bias) { writer.append_users(factors, bias); });
  }
  for (std::uint32_t b = 0; b < grid.blocks(); ++b) {
    each_piece(rows(RowsKind::block, b), dim,
               [&](auto factors, auto bias) { writer.append_items(factors, bias); });
  }
  writer.write_ids(stored.user_ids ? dataset.user_ids() : row_names(grid.users()),
                   stored.item_ids ? dataset.item_ids() : row_names(grid.items()));
  writer.write_counts(dataset.user_counts(), dataset.item_counts());
  if (stored.seen) write_seen(writer, dataset);
  return writer.commit();
}

}  // namespace factorps::ps

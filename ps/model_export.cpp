#include "ps/model_export.hpp"

#include <algorithm>
#include <vector>

#include "io/model_file.hpp"

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
    std::size_t n = 0;
    for (const Run& run : cell.runs) {
      for (std::uint32_t k = 0; k < run.count; ++k) {
        seen[next[run.user]++] = first_item + cell.items[n++];
      }
    }
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

std::string export_model(const Tables& tables, const Dataset& dataset,
                         const std::filesystem::path& run, const std::string& provenance, double mu,
                         bool store_seen) {
  const Grid& grid = tables.grid();
  ModelInfo info;
  info.users = grid.users();
  info.items = grid.items();
  info.dim = tables.dim();
  info.mu = mu;
  info.value_min = dataset.value_min();
  info.value_max = dataset.value_max();
  info.normalisation = dataset.normalisation();
  info.provenance = provenance;
  ModelWriter writer{run / "model.h5", info};
  for (std::uint32_t s = 0; s < grid.strips(); ++s) {
    each_piece(tables.strip(StripId{s}), tables.dim(),
               [&](auto factors, auto bias) { writer.append_users(factors, bias); });
  }
  for (std::uint32_t b = 0; b < grid.blocks(); ++b) {
    each_piece(tables.block(BlockId{b}), tables.dim(),
               [&](auto factors, auto bias) { writer.append_items(factors, bias); });
  }
  writer.write_ids(dataset.user_ids(), dataset.item_ids());
  writer.write_counts(dataset.user_counts(), dataset.item_counts());
  if (store_seen) write_seen(writer, dataset);
  return writer.commit();
}

}  // namespace factorps::ps

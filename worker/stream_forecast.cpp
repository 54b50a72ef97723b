#include "worker/stream_forecast.hpp"

#include <algorithm>
#include <vector>

#include "ps/row_stream.hpp"
#include "ps/stream_index.hpp"
#include "worker/als_lists.hpp"

namespace factorps::worker {
namespace {

/// The lists of one strip or block.
struct Lists {
  std::vector<std::uint64_t> begin;
  std::vector<std::uint32_t> others;

  template <class Range>
  ps::RowLists fill(const Dataset& dataset, Range range, std::uint64_t rows,
                    std::uint64_t interactions) {
    begin.resize(rows + 1);
    others.resize(interactions);
    const ps::RowLists lists{begin, others};
    list_interactions(dataset, range, {}, lists);
    return lists;
  }
};

/// Rows that come to solve one table.
std::uint64_t rows_to_solve(const Dataset& dataset, const ps::StreamMap& map, int node,
                            ps::Side side, std::uint64_t& index_bytes) {
  const Grid& grid = dataset.grid();
  const auto sizes = dataset.cell_sizes(Part::train);
  ps::StreamIndex index{map, node, side};
  Lists lists;
  const ps::Share strips = map.placement().strips(node);
  for (std::uint32_t s = strips.begin; side == ps::Side::users && s < strips.end; ++s) {
    std::uint64_t sum = 0;
    for (std::uint32_t b = 0; b < grid.blocks(); ++b) {
      sum += sizes[grid.cell_index(StripId{s}, BlockId{b})];
    }
    index.add(lists.fill(dataset, StripId{s}, grid.users_of(StripId{s}).size(), sum));
  }
  for (const BlockId block : map.placement().homes(node)) {
    if (side == ps::Side::users) break;
    std::uint64_t sum = 0;
    for (std::uint32_t s = 0; s < grid.strips(); ++s) {
      sum += sizes[grid.cell_index(StripId{s}, block)];
    }
    index.add(lists.fill(dataset, block, grid.items_of(block).size(), sum));
  }
  index.finish();
  index_bytes += index.bytes();
  if (index.portions().empty()) return 0;
  return index.portions().back().loaded + index.portions().back().rows;
}

}  // namespace

StreamForecast& StreamForecast::operator+=(const StreamForecast& other) noexcept {
  solving += other.solving;
  summing += other.summing;
  looking += other.looking;
  index_bytes += other.index_bytes;
  most_index_bytes = std::max(most_index_bytes, other.most_index_bytes);
  return *this;
}

StreamForecast forecast_stream(const Dataset& dataset, const ps::StreamMap& map, int node,
                               std::size_t stride, bool all_pairs) {
  const std::uint64_t row = stride * sizeof(float) + sizeof(std::uint32_t);  // and its question
  StreamForecast forecast;
  std::uint64_t elsewhere = dataset.grid().items();
  for (const BlockId block : map.placement().homes(node)) {
    elsewhere -= dataset.grid().items_of(block).size();
  }
  forecast.looking = elsewhere * row;
  for (const ps::Side side : {ps::Side::users, ps::Side::items}) {
    forecast.solving += row * rows_to_solve(dataset, map, node, side, forecast.index_bytes);
    if (all_pairs) forecast.summing += ps::bytes_of_gram(map, node, side, stride, row);
  }
  forecast.most_index_bytes = forecast.index_bytes;
  return forecast;
}

}  // namespace factorps::worker

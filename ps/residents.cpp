#include "ps/residents.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

namespace factorps::ps {
namespace {

/// A row that stays and was touched here was touched here alone. The home cannot tell those of
/// other nodes from those of none, and keeps both.
std::vector<std::uint32_t> staying_rows(std::span<const std::uint32_t> travelling,
                                        std::span<const std::uint16_t> touched, bool home) {
  std::vector<std::uint32_t> staying;
  auto next = travelling.begin();
  for (std::uint32_t row = 0; row < touched.size(); ++row) {
    if (next != travelling.end() && *next == row) {
      ++next;
    } else if (home || touched[row] != 0) {
      staying.push_back(row);
    }
  }
  return staying;
}

}  // namespace

LeaseMode lease_mode(std::string_view name) {
  if (name == "dense") return LeaseMode::dense;
  return name == "sparse" ? LeaseMode::sparse : LeaseMode::automatic;
}

std::vector<std::uint16_t> touched_rows(const Dataset& dataset, Share strips, BlockId block) {
  std::vector<std::uint16_t> touched(dataset.grid().items_of(block).size());
  for (const Part part : kParts) {
    for (std::uint32_t s = strips.begin; s < strips.end; ++s) {
      for (const std::uint16_t row : dataset.cell(part, StripId{s}, block).items) touched[row] = 1;
    }
  }
  return touched;
}

std::vector<std::uint32_t> travelling_rows(std::span<const std::uint16_t> nodes, LeaseMode mode) {
  const auto shared =
      static_cast<std::size_t>(std::ranges::count_if(nodes, [](std::uint16_t n) { return n > 1; }));
  const bool dense =
      mode == LeaseMode::dense || (mode == LeaseMode::automatic && 4 * shared > 3 * nodes.size());
  std::vector<std::uint32_t> rows;
  rows.reserve(dense ? nodes.size() : shared);
  for (std::uint32_t row = 0; row < nodes.size(); ++row) {
    if (dense || nodes[row] > 1) rows.push_back(row);
  }
  return rows;
}

void gather_rows(RowsView from, std::span<const std::uint32_t> rows, RowsView to) {
  for (std::size_t n = 0; n < rows.size(); ++n) {
    std::copy_n(from.factors + rows[n] * from.stride, from.stride, to.factors + n * to.stride);
    to.states[n] = from.states[rows[n]];
  }
}

void scatter_rows(RowsView from, std::span<const std::uint32_t> rows, RowsView to) {
  for (std::size_t n = 0; n < rows.size(); ++n) {
    std::copy_n(from.factors + n * from.stride, from.stride, to.factors + rows[n] * to.stride);
    to.states[rows[n]] = from.states[n];
  }
}

Residents::Residents(const Grid& grid, std::size_t stride)
    : stride_{stride}, num_travelling_{grid.items()}, blocks_(grid.blocks()) {}

void Residents::declare(BlockId block, std::vector<std::uint32_t> travelling,
                        std::span<const std::uint16_t> touched, bool home) {
  BlockRows& rows = blocks_.at(block.value());
  rows.in_part = travelling.size() < touched.size();
  num_travelling_ -= touched.size() - travelling.size();
  rows.staying = staying_rows(travelling, touched, home);
  if (rows.in_part) rows.travelling = std::move(travelling);
  num_staying_ += rows.staying.size();
  rows.factors = AlignedBuffer<float>{rows.staying.size() * stride_};
  rows.states = AlignedBuffer<RowState>{rows.staying.size()};
}

RowsView Residents::kept(BlockId block) const {
  const BlockRows& rows = at(block);
  return {rows.factors.data(), rows.states.data(), stride_, rows.staying.size()};
}

Residents find_residents(const Dataset& dataset, const Placement& placement, int node,
                         std::size_t stride, LeaseMode mode, const SumOverNodes& sum) {
  Residents residents{dataset.grid(), stride};
  if (mode == LeaseMode::dense) return residents;
  const std::vector<BlockId> homes = placement.homes(node);
  for (std::uint32_t b = 0; b < dataset.grid().blocks(); ++b) {
    const BlockId block{b};
    const auto touched = touched_rows(dataset, placement.strips(node), block);
    residents.declare(block, travelling_rows(sum(block, touched), mode), touched,
                      std::ranges::find(homes, block) != homes.end());
  }
  return residents;
}

LeaseCount count_leases(const Dataset& dataset, const Placement& placement, LeaseMode mode) {
  if (mode == LeaseMode::dense) return {dataset.grid().items(), 0, 0};
  LeaseCount count;
  std::vector<std::uint64_t> staying(static_cast<std::size_t>(placement.nodes()));
  for (int home = 0; home < placement.nodes(); ++home) {
    for (const BlockId block : placement.homes(home)) {
      std::vector<std::vector<std::uint16_t>> touched;
      std::vector<std::uint16_t> sum(dataset.grid().items_of(block).size());
      for (int node = 0; node < placement.nodes(); ++node) {
        touched.push_back(touched_rows(dataset, placement.strips(node), block));
        std::ranges::transform(sum, touched.back(), sum.begin(), std::plus{});
      }
      const auto travelling = travelling_rows(sum, mode);
      count.travelling += travelling.size();
      for (int node = 0; node < placement.nodes(); ++node) {
        const auto n = static_cast<std::size_t>(node);
        staying[n] += staying_rows(travelling, touched[n], node == home).size();
      }
    }
  }
  count.most_staying = std::ranges::max(staying);
  count.staying = std::accumulate(staying.begin(), staying.end(), std::uint64_t{0});
  return count;
}

}  // namespace factorps::ps

#include "scheduler/plan.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include <fmt/format.h>

#include "comm/ring_link.hpp"
#include "common/aligned_buffer.hpp"
#include "common/check.hpp"
#include "model/cell_order.hpp"
#include "model/kernels/sgd_kernel.hpp"

namespace factorps::scheduler {
namespace {

std::uint64_t divide_up(std::uint64_t n, std::uint64_t by) { return (n + by - 1) / by; }

std::uint64_t model_bytes(const PlanInput& input, std::uint64_t interactions) {
  const std::uint64_t rows = input.grid.users() + input.grid.items();
  const std::uint64_t per_row = (input.dim + 2) * sizeof(float);  // factors, bias, train_count
  const std::uint64_t seen = input.store_seen ? 8 * (input.grid.users() + 1) + 4 * interactions : 0;
  return rows * per_row + input.id_bytes + seen;
}

}  // namespace

std::uint64_t critical_path(const Grid& grid, const std::vector<std::uint64_t>& cells,
                            std::uint64_t seed) {
  FACTORPS_CHECK(cells.size() == grid.cells());
  const CellOrder order{grid.strips(), grid.blocks(), seed};
  std::vector<std::uint64_t> strip_done(grid.strips());
  std::vector<std::uint64_t> block_done(grid.blocks());
  for (std::uint32_t step = 0; step < order.steps(); ++step) {
    for (std::uint32_t s = 0; s < grid.strips(); ++s) {
      const auto block = order.block_at(StripId{s}, step);
      if (!block) continue;
      std::uint64_t& block_time = block_done[block->value()];
      const std::uint64_t start = std::max(strip_done[s], block_time);
      strip_done[s] = block_time = start + cells[grid.cell_index(StripId{s}, *block)];
    }
  }
  return strip_done.empty() ? 0 : std::ranges::max(strip_done);
}

Plan make_plan(const PlanInput& input) {
  const std::uint64_t rows = input.grid.users() + input.grid.items();
  const std::uint64_t wire_row_bytes =
      round_up(input.dim, kRowMultiple) * input.wire_bytes_per_factor + sizeof(RowState);
  Plan plan;
  plan.interactions = std::accumulate(input.cells.begin(), input.cells.end(), std::uint64_t{0});
  plan.tables = input.tables_bytes;
  plan.mapped = divide_up(input.dataset_bytes, input.nodes);
  plan.ranks = input.ranks * kRankBytes + input.staying_bytes;
  plan.dataset = input.dataset_bytes;
  plan.checkpoint = rows * (input.dim * sizeof(float) + sizeof(RowState));
  plan.checkpoints = input.checkpoints * plan.checkpoint;
  plan.model = model_bytes(input, plan.interactions);
  plan.to_write = plan.checkpoints + plan.model + (input.prepared ? 0 : plan.dataset);
  plan.epoch_traffic = input.nodes == 1
                           ? 0
                           : input.nodes * (input.travelling_items * wire_row_bytes +
                                            input.grid.blocks() * sizeof(comm::BlockHeader));
  plan.busy_workers =
      std::min<std::uint64_t>({input.workers, input.grid.strips(), input.grid.blocks()});
  plan.critical_path = critical_path(input.grid, input.cells, input.seed);
  const double chain = static_cast<double>(std::max<std::uint64_t>(plan.critical_path, 1));
  plan.largest_speedup = std::min(static_cast<double>(plan.busy_workers),
                                  std::max(1.0, static_cast<double>(plan.interactions) / chain));
  return plan;
}

std::vector<std::string> shortages(const Plan& plan, const Room& room, bool one_rank) {
  std::vector<std::string> problems;
  const auto require = [&](const char* what, std::uint64_t needed, std::uint64_t free) {
    if (needed <= free) return;
    problems.push_back(
        fmt::format("{}: {} bytes needed, {} free, {} missing", what, needed, free, needed - free));
  };
  require("memory of a node", plan.tables + plan.ranks, room.memory);
  if (!one_rank) require("/dev/shm of a node", plan.tables, room.shared_memory);
  require("disk for the run", plan.to_write, room.disk);
  return problems;
}

std::string size_text(std::uint64_t bytes) {
  constexpr std::array units{"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < units.size(); ++unit) value /= 1024;
  return fmt::format("{:.{}f} {}", value, unit == 0 || value >= 100 ? 0 : 1, units[unit]);
}

}  // namespace factorps::scheduler

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

std::uint64_t wire_row_bytes(const PlanInput& input) {
  return round_up(input.dim, kRowMultiple) * input.wire_bytes_per_factor + sizeof(RowState);
}

/// Of a node, for blocks on their way.
std::uint64_t memory_of_mover(const PlanInput& input) {
  if (input.nodes == 1 || input.lanes > 0) return 0;
  if (input.stream.streamed) return kStreamBytes;
  std::uint64_t rows = 0;
  for (std::uint32_t b = 0; b < input.grid.blocks(); ++b) {
    rows = std::max(rows, input.grid.items_of(BlockId{b}).size());
  }
  const std::uint64_t block = rows * wire_row_bytes(input);
  return std::min(kMoverBytes + 2 * block, kMoverMost) + block;
}

std::uint64_t checkpoint_bytes(const PlanInput& input) {
  if (input.lanes > 0) return input.record_bytes;
  return (input.grid.users() + input.grid.items()) * (input.dim * sizeof(float) + sizeof(RowState));
}

/// Of a server, when it has written checkpoints.
std::uint64_t memory_of_server(const PlanInput& input) {
  if (!input.saves) return 0;
  const std::uint64_t shard = divide_up(checkpoint_bytes(input), input.servers);
  return std::min(kServerBytes + shard, kServerMost) + (input.copies_to_save ? shard : 0);
}

std::uint64_t memory_of_programs(const PlanInput& input, std::uint64_t ranks,
                                 std::uint64_t servers) {
  const bool alone = input.nodes * input.ranks == 1;
  return ranks * (alone ? kAloneBytes : kRankBytes) + servers * memory_of_server(input);
}

/// Of the node that needs most, besides its tables.
std::uint64_t memory_of_ranks(const PlanInput& input) {
  return memory_of_programs(input, input.ranks, divide_up(input.servers, input.nodes)) +
         memory_of_mover(input) + input.staying_bytes + input.stream.index +
         divide_up(input.lane_bytes, input.nodes);
}

/// Of all nodes: tables and ranks.
std::uint64_t memory_in_all(const PlanInput& input) {
  return input.tables_in_all + input.staying_in_all +
         memory_of_programs(input, input.nodes * input.ranks, input.servers) +
         input.nodes * memory_of_mover(input) + input.stream.index_in_all + input.lane_bytes;
}

/// Bytes between nodes. Copies: every node gets all rows that others solve.
std::uint64_t traffic_of_epoch(const PlanInput& input) {
  if (input.nodes == 1) return 0;
  if (input.lanes > 0) return input.row_traffic;
  if (input.stream.streamed) return input.stream.epoch_traffic;
  if (input.copies) {
    const std::uint64_t row =
        round_up(input.dim + input.more_columns, kRowMultiple) * sizeof(float);
    return (input.nodes - 1) * (input.grid.users() + input.grid.items()) * row;
  }
  return input.nodes * (input.travelling_items * wire_row_bytes(input) +
                        input.grid.blocks() * sizeof(comm::BlockHeader));
}

/// Blocks travel as often as in a training pass.
std::uint64_t traffic_of_evaluation(const PlanInput& input) {
  if (input.stream.streamed) return input.stream.evaluation_traffic;
  if (input.copies || input.lanes > 0) return 0;
  return input.evaluation_passes * traffic_of_epoch(input);
}

std::uint64_t busy_workers(const PlanInput& input) {
  if (input.lanes > 0) return std::min(input.workers, input.lanes);
  if (input.copies) return std::min<std::uint64_t>(input.workers, input.grid.cells());
  return std::min<std::uint64_t>({input.workers, input.grid.strips(), input.grid.blocks()});
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
  Plan plan;
  plan.interactions = std::accumulate(input.cells.begin(), input.cells.end(), std::uint64_t{0});
  plan.tables = input.tables_bytes;
  plan.mapped = divide_up(input.dataset_bytes, input.nodes);
  plan.held = memory_in_all(input);
  plan.ranks = memory_of_ranks(input);
  plan.dataset = input.dataset_bytes;
  plan.checkpoint = checkpoint_bytes(input);
  plan.checkpoints = input.checkpoints * plan.checkpoint;
  plan.model = model_bytes(input, plan.interactions);
  plan.to_write = plan.checkpoints + plan.model + (input.prepared ? 0 : plan.dataset);
  plan.epoch_traffic = traffic_of_epoch(input);
  plan.evaluation_traffic = traffic_of_evaluation(input);
  plan.busy_workers = busy_workers(input);
  if (!input.copies && input.lanes == 0)
    plan.critical_path = critical_path(input.grid, input.cells, input.seed);
  const double chain = static_cast<double>(std::max<std::uint64_t>(plan.critical_path, 1));
  plan.largest_speedup = std::min(static_cast<double>(plan.busy_workers),
                                  std::max(1.0, static_cast<double>(plan.interactions) / chain));
  plan.longest_work =
      std::max({plan.critical_path, input.work, divide_up(plan.interactions, plan.busy_workers)});
  plan.longest_share = std::max(plan.longest_work, divide_up(plan.interactions, input.cores));
  return plan;
}

namespace {

/// Every node sends and receives its share at once.
double wire_seconds(const PlanInput& input, std::uint64_t traffic, double bits_per_second) {
  if (bits_per_second == 0) return 0;
  return 8 * static_cast<double>(traffic) / (static_cast<double>(input.nodes) * bits_per_second);
}

}  // namespace

double network_seconds(const PlanInput& input, const Plan& plan, double bits_per_second) {
  return wire_seconds(input, plan.epoch_traffic, bits_per_second);
}

EpochTime epoch_time(const PlanInput& input, const Plan& plan, const Speed& speed,
                     double bits_per_second) {
  EpochTime time;
  time.compute_seconds = static_cast<double>(plan.longest_share) * speed.seconds_per_update;
  time.network_seconds = network_seconds(input, plan, bits_per_second);
  time.train_seconds = std::max(time.compute_seconds, time.network_seconds) +
                       (input.nodes * input.ranks > 1 ? kPassSeconds : 0);
  const double predictions = static_cast<double>(input.validation) /
                             static_cast<double>(std::min(plan.busy_workers, input.cores));
  time.evaluate_seconds =
      input.validation == 0
          ? 0
          : std::max(predictions * speed.seconds_per_prediction,
                     wire_seconds(input, plan.evaluation_traffic, bits_per_second));
  return time;
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

#include "apps/plan_input.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <thread>
#include <vector>

#include <fmt/core.h>

#include "apps/background.hpp"
#include "apps/copies.hpp"
#include "apps/job.hpp"
#include "apps/roles.hpp"
#include "apps/row_traffic.hpp"
#include "common/aligned_buffer.hpp"
#include "io/dataset.hpp"
#include "io/prepare/row_reader.hpp"
#include "ps/placement.hpp"
#include "ps/residents.hpp"
#include "ps/tables.hpp"
#include "scheduler/epoch_passes.hpp"
#include "scheduler/machine_room.hpp"

namespace factorps::apps {
namespace {

std::uint64_t text_bytes(const CollectedIds& ids) {
  return ids.texts() == 0 ? 8 * ids.integers.size()
                          : 8 * (ids.integers.size() + ids.texts() + 1) + ids.bytes.size();
}

/// Of those that the model will hold.
std::uint64_t id_bytes_of_model(const Config& config, const Dataset& dataset) {
  if (config.run.store_ids == "none") return 0;
  return dataset.item_id_bytes() + (config.run.store_ids == "all" ? dataset.user_id_bytes() : 0);
}

void measure_dataset(const Dataset& dataset, const Config& config, scheduler::PlanInput& input) {
  input.prepared = true;
  input.grid = dataset.grid();
  input.cells = dataset.cell_sizes(Part::train);
  input.validation = dataset.interactions(Part::validation);
  input.dataset_bytes = std::filesystem::file_size(dataset.path());
  input.id_bytes = id_bytes_of_model(config, dataset);
}

/// Dense numbers of ids and how often each occurs.
std::vector<std::uint32_t> renumber(std::span<std::uint32_t> numbers, const CollectedIds& ids) {
  const auto integers = static_cast<std::uint32_t>(ids.integers.size());
  std::vector<std::uint32_t> counts(integers + ids.texts());
  for (std::uint32_t& number : numbers) {
    const std::uint32_t n = number & ~CollectedIds::kTextBit;
    number = n == number ? n : integers + n;
    ++counts[number];
  }
  return counts;
}

Chunk read_sources(const Config& config) {
  RowReader reader{RowRules{}};
  for (const auto& path : config.data.source) {
    reader.read(
        {path, detect_layout(path, config.data), 0, std::numeric_limits<std::uint64_t>::max()});
  }
  Chunk chunk = reader.release();
  if (chunk.bad.count > 0) throw DataError{chunk.bad.first.front()};
  if (chunk.rows.size() == 0) throw DataError{"data.source holds no interactions"};
  return chunk;
}

Grid cut_grid(const std::vector<std::uint32_t>& users, const std::vector<std::uint32_t>& items,
              std::uint64_t interactions, const Config& config) {
  const auto row_bytes = static_cast<std::uint64_t>(config.model.dim + 4) * sizeof(float);
  GridShape shape = choose_grid(static_cast<std::uint32_t>(config.grid.parallelism), users.size(),
                                items.size(), interactions, row_bytes,
                                static_cast<std::uint64_t>(config.grid.cache_kib) * 1024);
  if (config.grid.strips > 0) shape.strips = static_cast<std::uint32_t>(config.grid.strips);
  if (config.grid.blocks > 0) shape.blocks = static_cast<std::uint32_t>(config.grid.blocks);
  return {cut_balanced(users, shape.strips, std::numeric_limits<std::uint32_t>::max()),
          cut_balanced(items, shape.blocks, kMaxBlockItems)};
}

/// Interactions of each.
struct SourceCounts {
  std::vector<std::uint32_t> users;
  std::vector<std::uint32_t> items;
};

SourceCounts count_sources(const Config& config, scheduler::PlanInput& input) {
  Chunk chunk = read_sources(config);
  Rows& rows = chunk.rows;
  auto users = renumber(rows.users, chunk.users);
  auto items = renumber(rows.items, chunk.items);
  input.grid = cut_grid(users, items, rows.size(), config);
  input.cells.resize(input.grid.cells());
  for (std::size_t n = 0; n < rows.size(); ++n) {
    ++input.cells[input.grid.cell_index(input.grid.strip_of_user(rows.users[n]),
                                        input.grid.block_of_item(rows.items[n]))];
  }
  const std::uint64_t item_ids = text_bytes(chunk.items);
  const std::uint64_t ids = text_bytes(chunk.users) + item_ids;
  const std::string& stored = config.run.store_ids;
  input.id_bytes = stored == "none" ? 0 : stored == "items" ? item_ids : ids;
  // An item offset and a value per interaction, at most a run each; 32 bytes per cell and part.
  const std::uint64_t runs =
      std::min<std::uint64_t>(rows.size(), users.size() * std::uint64_t{input.grid.blocks()});
  input.dataset_bytes = rows.size() * 6 + runs * sizeof(Run) + 96 * input.grid.cells() +
                        4 * (users.size() + items.size()) + ids;
  return {std::move(users), std::move(items)};
}

ps::JobLayout layout_of(const Config& config, const PlanOptions& options) {
  if (options.ranks * options.nodes == 1) return layout_alone(config);
  std::vector<int> node_of_rank;
  for (std::int64_t rank = 0; rank < options.ranks * options.nodes; ++rank) {
    node_of_rank.push_back(static_cast<int>(rank / options.ranks));
  }
  return ps::layout_of_job(node_of_rank, static_cast<int>(config.cluster.servers));
}

/// Without a dataset nobody knows which rows could stay: all travel.
ps::LeaseCount leases_of(const JobMap& map, const Grid& grid, const Dataset* dataset) {
  if (dataset == nullptr || map.placement.nodes() == 1) return {grid.items(), 0, 0};
  return ps::count_leases(*dataset, map.placement, map.lease);
}

void measure_nodes(const JobMap& map, std::int64_t dim, scheduler::PlanInput& input) {
  const Grid& grid = input.grid;
  for (int node = 0; node < map.placement.nodes(); ++node) {
    const std::uint64_t bytes = table_bytes(map, grid, dim, input.cells, node);
    input.tables_bytes = std::max(input.tables_bytes, bytes);
    input.tables_in_all += bytes;
    const ps::Share strips = map.placement.strips(node);
    const auto first = input.cells.begin() + static_cast<std::ptrdiff_t>(grid.cell_index(
                                                 StripId{strips.begin}, BlockId{0}));
    const std::uint64_t sum = std::accumulate(
        first, first + std::ptrdiff_t{strips.end - strips.begin} * grid.blocks(), std::uint64_t{0});
    const auto workers = static_cast<std::uint64_t>(ps::workers_of_node(map.layout, node));
    input.work = std::max(input.work, (sum + workers - 1) / workers);
  }
}

std::uint64_t tables_of_largest(const JobMap& map, std::int64_t dim,
                                const scheduler::PlanInput& input) {
  std::uint64_t most = 0;
  for (int node = 0; node < map.placement.nodes(); ++node) {
    most = std::max<std::uint64_t>(most, table_bytes(map, input.grid, dim, input.cells, node));
  }
  return most;
}

/// What nodes hold of both tables, if that is a question.
void add_stream(const Config& config, const JobMap& map, const Dataset* dataset,
                const worker::StreamForecast& forecast, scheduler::PlanInput& input) {
  if (!map.als || map.layout.nodes == 1) return;
  Config other = config;
  other.ials.copies = map.stream ? "whole" : "streamed";
  const JobMap other_map{other, input.grid, map.layout, dataset};
  const JobMap& streamed = map.stream ? map : other_map;
  scheduler::StreamInput& stream = input.stream;
  stream.streamed = map.stream.has_value();
  stream.whole_tables = tables_of_largest(map.stream ? other_map : map, config.model.dim, input);
  stream.streamed_tables = tables_of_largest(streamed, config.model.dim, input);
  const std::uint64_t row = round_up(input.dim + map.more_columns, kRowMultiple) * sizeof(float);
  stream.buffer = streamed.stream->buffer() * row;
  if (!stream.streamed) return;
  stream.epoch_traffic = forecast.solving + forecast.summing;
  stream.evaluation_traffic = input.evaluation_passes * forecast.looking;
  stream.index = forecast.most_index_bytes;
  stream.index_in_all = forecast.index_bytes;
}

/// Without the dataset: as if nothing that comes were used twice.
worker::StreamForecast guess_stream(const JobMap& map, const scheduler::PlanInput& input) {
  if (!map.stream) return {};
  const auto nodes = static_cast<std::uint64_t>(map.layout.nodes);
  const std::uint64_t row =
      round_up(input.dim + map.more_columns, kRowMultiple) * sizeof(float) + sizeof(std::uint32_t);
  const std::uint64_t interactions =
      std::accumulate(input.cells.begin(), input.cells.end(), std::uint64_t{0});
  const std::uint64_t elsewhere = 2 * interactions / nodes * (nodes - 1);
  worker::StreamForecast guess;
  guess.solving = elsewhere * row;
  guess.summing = map.all_pairs ? (input.grid.users() + input.grid.items()) * row : 0;
  guess.looking = (nodes - 1) * input.grid.items() * row;
  guess.index_bytes = 2 * elsewhere;
  guess.most_index_bytes = guess.index_bytes / nodes;
  return guess;
}

worker::StreamForecast forecast_of(const JobMap& map, const Dataset* dataset,
                                   const scheduler::PlanInput& input) {
  if (dataset == nullptr || !map.stream) return guess_stream(map, input);
  worker::StreamForecast forecast;
  for (int node = 0; node < map.layout.nodes; ++node) {
    forecast += worker::forecast_stream(*dataset, *map.stream, node,
                                        round_up(input.dim + map.more_columns, kRowMultiple),
                                        map.all_pairs);
  }
  return forecast;
}

/// Of the training data.
InteractionCounts counts_of(const Dataset& dataset, const scheduler::PlanInput& input) {
  return {input.cells, dataset.user_counts(), dataset.item_counts()};
}

/// Of a lane. @param dataset none: without times
std::uint64_t bytes_of_interaction(const worker::BatchOptions& options, const Dataset* dataset) {
  const bool timed = dataset != nullptr && dataset->has_times();
  const bool history = options.history > 0;
  std::uint64_t bytes = options.binary ? 4 : 8;
  if (timed && (options.times || history)) bytes += 8;
  if (history) bytes += timed ? 12 : 4;
  return bytes;
}

/// Without the dataset nothing is known of the features of fm.
void add_row_traffic(const Config& config, const JobMap& map, const InteractionCounts& counts,
                     const Dataset* dataset, scheduler::PlanInput& input) {
  if (!map.rows || map.layout.nodes == 1) return;
  if (config.model.kind != "fm") {
    input.row_traffic = expected_row_traffic(*map.rows, input.grid, counts);
  } else if (dataset != nullptr) {
    input.row_traffic = counted_row_traffic(*map.rows, config, *dataset);
  }
}

/// What follows from configuration and layout, when the data are known.
void add_job(const Config& config, const JobMap& map, std::uint64_t machines,
             const ps::LeaseCount& leases, const Dataset* dataset, scheduler::PlanInput& input) {
  input.dim = static_cast<std::uint64_t>(config.model.dim);
  input.seed = config.train.seed;
  input.copies = map.als;
  input.more_columns = map.more_columns;
  input.evaluation_passes = scheduler::ranks_in_turns(config, map.layout.nodes) ? 2 : 1;
  input.wire_bytes_per_factor = config.cluster.wire == "bf16" ? 2 : 4;
  input.nodes = static_cast<std::uint64_t>(map.layout.nodes);
  input.workers = static_cast<std::uint64_t>(map.layout.workers);
  input.servers = static_cast<std::uint64_t>(map.layout.servers);
  input.cores = machines * std::max(1U, std::thread::hardware_concurrency());
  const std::int64_t kept = std::min(config.checkpoint.keep, config.train.epochs);
  input.checkpoints = static_cast<std::uint64_t>(kept) + 2;  // best, being written
  input.store_seen = config.run.store_seen;
  input.saves = saves_on_the_way(config);
  input.copies_to_save =
      input.saves && config.checkpoint.background && (map.als || map.rows.has_value());
  if (map.rows) {
    input.lanes = std::min(map.rows->work.lanes, input.grid.strips());
    const std::uint64_t interactions =
        std::accumulate(input.cells.begin(), input.cells.end(), std::uint64_t{0});
    input.lane_bytes = interactions * bytes_of_interaction(map.rows->work.batches, dataset);
    for (const ps::RowTable& table : map.rows->layout.tables()) {
      input.record_bytes += table.rows() * table.record() * sizeof(float);
    }
  }
  measure_nodes(map, config.model.dim, input);
  const std::uint64_t row = round_up(input.dim, kRowMultiple) * sizeof(float) + sizeof(RowState);
  input.travelling_items = leases.travelling;
  input.staying_bytes = leases.most_staying * row;
  input.staying_in_all = leases.staying * row;
}

/// What ials.copies = "auto" becomes, if all machines have what this one has free.
/// @param here whether all nodes are on this machine
Config decide(const Config& asked, const ps::JobLayout& layout, const Dataset* dataset, bool here,
              scheduler::PlanInput& input) {
  if (!asks_for_copies(asked, layout.nodes)) {
    if (solves_rows(asked) && layout.nodes > 1) input.stream.why = "as ials.copies says";
    return asked;
  }
  const scheduler::Room room = room_of_this_machine(asked);
  const std::uint64_t ranks = input.ranks * (here ? static_cast<std::uint64_t>(layout.nodes) : 1);
  const std::uint64_t programs = std::min(room.memory, ranks * scheduler::kRankBytes);
  const std::uint64_t free = input.ranks == 1 && !here
                                 ? room.memory - programs
                                 : std::min(room.memory - programs, room.shared_memory);
  std::vector<std::set<int>> machines(here ? 1 : static_cast<std::size_t>(layout.nodes));
  for (int node = 0; node < layout.nodes; ++node) {
    machines[here ? 0 : static_cast<std::size_t>(node)].insert(node);
  }
  const CopiesNeed most = need_of_copies(asked, input.grid, layout, dataset, input.cells, machines);
  Config decided = asked;
  const bool whole = most.whole <= free;
  decided.ials.copies = whole ? "whole" : "streamed";
  input.stream.why = fmt::format(
      "whole tables {} a machine: {} of {} free{}", whole ? "fit" : "do not fit",
      scheduler::size_text(most.whole), scheduler::size_text(free),
      whole ? "" : fmt::format(", streamed ones need {}", scheduler::size_text(most.streamed)));
  return decided;
}

/// What a machine like this one would miss for checkpoint.background, if anything.
std::string lack_of_copies(const Config& config, const scheduler::PlanInput& input, bool here) {
  if (!input.saves || !config.checkpoint.background) return {};
  const scheduler::Plan plan = make_plan(input);
  const std::uint64_t nodes = here ? input.nodes : 1;
  return lack_of_room(
      {nodes * (plan.tables + plan.ranks), input.ranks == 1 ? 0 : nodes * plan.tables},
      room_of_this_machine(config));
}

/// All but the traffic of row mode.
scheduler::PlanInput measure_job(const Config& config, const Dataset& dataset, const JobMap& map,
                                 const JobFindings& findings,
                                 const comm::Environment& environment) {
  scheduler::PlanInput input;
  measure_dataset(dataset, config, input);
  const auto nodes = static_cast<std::uint64_t>(map.layout.nodes);
  input.ranks = (static_cast<std::uint64_t>(environment.size()) + nodes - 1) / nodes;
  const std::set<std::string> hosts{environment.hosts().begin(), environment.hosts().end()};
  add_job(config, map, hosts.size(), findings.leases, &dataset, input);
  add_stream(config, map, &dataset, findings.stream, input);
  return input;
}

}  // namespace

scheduler::PlanInput plan_input(const Config& asked, const PlanOptions& options) {
  scheduler::PlanInput input;
  std::optional<Dataset> dataset;
  SourceCounts raw;
  if (std::filesystem::exists(asked.data.dataset)) {
    dataset.emplace(asked.data.dataset);
    measure_dataset(*dataset, asked, input);
  } else {
    input.prepared = false;
    raw = count_sources(asked, input);
  }
  input.ranks = static_cast<std::uint64_t>(options.ranks);
  // Pretend nodes are all on this machine.
  const std::int64_t machines = asked.cluster.node_size > 0 ? 1 : options.nodes;
  const Dataset* known = dataset ? &*dataset : nullptr;
  const ps::JobLayout layout = layout_of(asked, options);
  const bool here = machines == 1;
  const Config decided = decide(asked, layout, known, here, input);
  const auto counts =
      dataset ? counts_of(*dataset, input) : InteractionCounts{input.cells, raw.users, raw.items};
  const auto planned = [&](const Config& config) {
    scheduler::PlanInput job = input;
    const JobMap map{config, job.grid, layout, known};
    add_job(config, map, static_cast<std::uint64_t>(machines), leases_of(map, job.grid, known),
            known, job);
    add_row_traffic(config, map, counts, known, job);
    add_stream(config, map, known, forecast_of(map, known, job), job);
    return job;
  };
  scheduler::PlanInput job = planned(decided);
  const std::string lack = lack_of_copies(decided, job, here);
  if (lack.empty()) return job;
  Config waiting = decided;
  waiting.checkpoint.background = false;
  job = planned(waiting);
  job.waits_to_save = lack;
  return job;
}

scheduler::PlanInput plan_input_of_job(const Config& config, const Dataset& dataset,
                                       const ps::JobLayout& layout, const JobFindings& findings,
                                       const comm::Environment& environment) {
  const JobMap map{config, dataset.grid(), layout, &dataset};
  scheduler::PlanInput input = measure_job(config, dataset, map, findings, environment);
  add_row_traffic(config, map, counts_of(dataset, input), &dataset, input);
  return input;
}

scheduler::PlanInput sizes_of_job(const Config& config, const Dataset& dataset,
                                  const ps::JobLayout& layout,
                                  const comm::Environment& environment) {
  const JobMap map{config, dataset.grid(), layout, &dataset};
  return measure_job(config, dataset, map, {{dataset.grid().items(), 0, 0}, {}}, environment);
}

scheduler::Room room_of_this_machine(const Config& config) {
  return {scheduler::free_memory().free, scheduler::free_disk("/dev/shm"),
          scheduler::free_disk(config.run.dir)};
}

}  // namespace factorps::apps

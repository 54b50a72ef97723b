// Predicts the time of an epoch on clusters that are not there: the servers' real message code
// under SimGrid's MPI, with the times of cells given (docs/scaling.md, bench/scaling_simulation).
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <simgrid/s4u.hpp>
#include <smpi/smpi.h>
#include <unistd.h>

#include "common/error.hpp"
#include "io/dataset_writer.hpp"
#include "node.hpp"
#include "scheduler/plan.hpp"

namespace factorps::bench {
namespace {

/// The cluster, as far as messages are concerned: hosts at a switch that is never the limit.
struct Network {
  double gbit = 100;           ///< of each link, in either direction
  double latency = 1.5e-6;     ///< from host to host, seconds
  std::string model = "CM02";  ///< of SimGrid; "SMPI" has the factors of a measured TCP cluster
  double poll = 0;             ///< what asking for messages takes, seconds; more makes this slow
  double overhead = 5e-7;      ///< what sending a message takes the sender, seconds
};

struct Options {
  Shape shape;
  std::string dataset;
  CellCost cost;
  Network network;
  int nodes = 1;
  int workers = 1;
  std::uint32_t in_flight = 2;
  std::size_t dim = 128;
  int passes = 1;
  bool bf16 = false;
};

void add_options(CLI::App& app, Options& o) {
  app.add_option("--dataset", o.dataset, "Cells of this prepared file; else of a made-up shape");
  app.add_option("--users", o.shape.users)->check(CLI::PositiveNumber);
  app.add_option("--items", o.shape.items)->check(CLI::PositiveNumber);
  app.add_option("--interactions", o.shape.interactions)->check(CLI::PositiveNumber);
  app.add_option("--strips", o.shape.strips)->check(CLI::PositiveNumber);
  app.add_option("--blocks", o.shape.blocks)->check(CLI::PositiveNumber);
  app.add_option("--offset", o.shape.offset, "Popularity is 1 / (rank + offset)^0.9");
  app.add_option("--seed", o.shape.seed);
  app.add_option("--per-cell", o.cost.per_cell, "Seconds")->required();
  app.add_option("--per-run", o.cost.per_run, "Seconds")->required();
  app.add_option("--per-interaction", o.cost.per_interaction, "Seconds")->required();
  app.add_option("--nodes", o.nodes)->check(CLI::Range(1, 1024));
  app.add_option("--workers", o.workers, "Of each node")->check(CLI::Range(1, 1024));
  app.add_option("--in-flight", o.in_flight)->check(CLI::PositiveNumber);
  app.add_option("--dim", o.dim)->check(CLI::PositiveNumber);
  app.add_option("--passes", o.passes)->check(CLI::PositiveNumber);
  app.add_flag("--bf16", o.bf16, "Factors travel in 16 bits");
  app.add_option("--gbit", o.network.gbit, "Of a link")->check(CLI::PositiveNumber);
  app.add_option("--latency", o.network.latency, "Seconds")->check(CLI::NonNegativeNumber);
  app.add_option("--model", o.network.model)->check(CLI::IsMember({"CM02", "SMPI"}));
  app.add_option("--poll", o.network.poll, "Seconds")->check(CLI::NonNegativeNumber);
  app.add_option("--overhead", o.network.overhead, "Seconds")->check(CLI::NonNegativeNumber);
}

void configure(const Network& network) {
  using simgrid::s4u::Engine;
  Engine::set_config("network/model:" + network.model);
  if (network.model == "CM02") Engine::set_config("network/crosstraffic:no");
  Engine::set_config("contexts/stack-size:512");  // KiB, of each simulated thread
  Engine::set_config("smpi/simulate-computation:no");
  Engine::set_config("smpi/grow-injected-times:no");
  Engine::set_config("smpi/test:0");
  Engine::set_config(fmt::format("smpi/iprobe:{}", network.poll));
  Engine::set_config(fmt::format("smpi/ois:0:{}:0", network.overhead));
}

std::vector<simgrid::s4u::Host*> build_cluster(int nodes, const Network& network) {
  using Direction = simgrid::s4u::LinkInRoute::Direction;
  auto* zone = simgrid::s4u::create_star_zone("cluster");
  std::vector<simgrid::s4u::Host*> hosts;
  for (int n = 0; n < nodes; ++n) {
    auto* host = zone->create_host(fmt::format("node{}", n), 1e9);
    auto* link = zone->create_split_duplex_link(fmt::format("link{}", n), network.gbit * 1e9 / 8);
    link->set_latency(network.latency / 2)->seal();
    zone->add_route(host->get_netpoint(), nullptr, nullptr, nullptr, {{link, Direction::UP}}, true);
    hosts.push_back(host);
  }
  zone->seal();
  return hosts;
}

/// Servers want a dataset; between commands they never look into it.
class IdleDataset {
 public:
  IdleDataset()
      : path_{std::filesystem::temp_directory_path() /
              fmt::format("factorps-simulate-{}.h5", ::getpid())} {
    DatasetContents contents;
    contents.user_ids = IdTable::of_integers({1});
    contents.item_ids = IdTable::of_integers({1});
    contents.grid = {{0, 1}, {0, 1}};
    contents.interactions = {{0}, {0}, {1}, {Part::train}};
    write_dataset(path_, contents);
    dataset_.emplace(path_);
  }
  IdleDataset(const IdleDataset&) = delete;
  IdleDataset& operator=(const IdleDataset&) = delete;
  ~IdleDataset() { std::filesystem::remove(path_); }
  [[nodiscard]] const Dataset& get() const { return *dataset_; }

 private:
  std::filesystem::path path_;
  std::optional<Dataset> dataset_;
};

Work work_of(const Options& options) {
  if (!options.dataset.empty()) return work_of(Dataset{options.dataset}, options.cost);
  const Shape& shape = options.shape;
  if (shape.users * shape.items * shape.interactions * shape.strips * shape.blocks == 0) {
    throw ConfigError{
        "expected --dataset, or --users, --items, --interactions, --strips and "
        "--blocks"};
  }
  return synthetic_work(shape, options.cost);
}

std::vector<PassTimes> simulate(const Job& job, const Network& network) {
  const IdleDataset idle;
  const auto hosts = build_cluster(job.layout.nodes, network);
  std::vector<PassTimes> passes;
  std::exception_ptr failure;
  SMPI_app_instance_register("factorps", nullptr, job.layout.nodes);
  for (int node = 0; node < job.layout.nodes; ++node) {
    auto rank = simgrid::s4u::Actor::init("rank", hosts[static_cast<std::size_t>(node)]);
    rank->set_property("instance_id", "factorps");
    rank->set_property("rank", std::to_string(node));
    rank->start([&, node] {
      try {
        run_node(job, node, idle.get(), passes);
      } catch (const std::exception&) {
        failure = std::current_exception();
        simgrid::s4u::Actor::kill_all();
      }
    });
  }
  simgrid::s4u::Engine::get_instance()->run();
  if (failure) std::rethrow_exception(failure);
  return passes;
}

/// Lower bounds of any order of events, seconds.
nlohmann::json bounds(const Job& job, const Network& network, const PassTimes& pass) {
  const double rate = network.gbit * 1e9 / 8;
  return {{"compute", pass.compute / (job.workers * job.layout.nodes)},
          {"chain", 1e-9 * static_cast<double>(scheduler::critical_path(
                               job.work.grid, job.work.nanoseconds, job.order_seed))},
          {"wire", static_cast<double>(pass.block_bytes) / job.layout.nodes / rate}};
}

nlohmann::json report(const Job& job, const Network& network,
                      const std::vector<PassTimes>& passes) {
  nlohmann::json out;
  for (const PassTimes& pass : passes) {
    out["passes"].push_back({{"seconds", pass.seconds},
                             {"compute_seconds", pass.compute},
                             {"wait_turn_seconds", pass.wait_turn},
                             {"wait_block_seconds", pass.wait_block},
                             {"interactions", pass.interactions},
                             {"cells", pass.cells},
                             {"block_bytes", pass.block_bytes},
                             {"block_moves", pass.block_moves}});
  }
  out["nodes"] = job.layout.nodes;
  out["workers"] = job.workers;
  out["strips"] = job.work.grid.strips();
  out["blocks"] = job.work.grid.blocks();
  out["items"] = job.work.grid.items();
  out["bounds"] = bounds(job, network, passes.back());
  return out;
}

int run(const Options& options) {
  Job job{work_of(options), options.nodes, options.workers, options.in_flight, options.shape.seed};
  job.dim = options.dim;
  job.passes = options.passes;
  job.wire = options.bf16 ? ps::WireFormat::bf16 : ps::WireFormat::fp32;
  const auto passes = simulate(job, options.network);
  std::cout << report(job, options.network, passes).dump() << "\n";
  return 0;
}

}  // namespace
}  // namespace factorps::bench

int main(int argc, char** argv) {
  CLI::App app{"The time of an epoch on a simulated cluster, as JSON"};
  factorps::bench::Options options;
  factorps::bench::add_options(app, options);
  CLI11_PARSE(app, argc, argv);
  try {
    int engine_argc = 1;
    simgrid::s4u::Engine engine{&engine_argc, argv};
    SMPI_init();
    factorps::bench::configure(options.network);
    const int code = factorps::bench::run(options);
    SMPI_finalize();
    return code;
  } catch (const factorps::Error& error) {
    std::cerr << "factorps_simulate: error: " << error.what() << "\n";
    return static_cast<int>(error.exit_code());
  }
}

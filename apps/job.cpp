#include "apps/job.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <deque>
#include <exception>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "apps/copies.hpp"
#include "apps/roles.hpp"
#include "comm/faulty_link.hpp"
#include "comm/local_transport.hpp"
#include "comm/mpi_ring.hpp"
#include "comm/mpi_transport.hpp"
#include "comm/shared_memory.hpp"
#include "common/error.hpp"
#include "common/faults.hpp"
#include "common/waiter.hpp"

namespace factorps::apps {
namespace {

constexpr double kForever = std::numeric_limits<double>::infinity();

/// Steps a role until the scheduler stops it or `abandoned` says so. The scheduler watches the
/// time: a role that waits for it has no deadline of its own.
template <class Role, class Abandoned>
void run_role(Role& role, Abandoned&& abandoned, double longest_nap = kLongNap,
              unsigned yields = kFewYields) {
  Waiter waiter{kForever, longest_nap, yields};
  while (!role.stopped() && !abandoned()) {
    if (role.step()) {
      waiter.progress();
    } else {
      waiter.pause([&role] { return role.waits_for(); });
    }
  }
}

/// Worker threads of one process; the first exception of any of them is kept.
class WorkerThreads {
 public:
  ~WorkerThreads() { abandon(); }

  void start(std::unique_ptr<comm::Transport> link, std::unique_ptr<worker::Worker> worker) {
    Activity& activity = activities_.emplace_back();
    const std::string name = fmt::format("worker {}", threads_.size());
    threads_.emplace_back(
        [this, name, &activity, link = std::move(link), worker = std::move(worker)] {
          const ActivityScope scope{activity, name};
          try {
            run_role(*worker, [this] { return abandoned_.load(); });
          } catch (...) {
            const std::lock_guard lock{mutex_};
            if (!failure_) failure_ = std::current_exception();
            failed_ = true;
          }
        });
  }
  /// Throws what a worker has thrown, if any.
  void check() {
    if (!failed_) return;
    abandon();
    std::rethrow_exception(failure_);
  }
  void join() { threads_.clear(); }

 private:
  void abandon() {
    abandoned_ = true;
    threads_.clear();  // joins
  }

  std::atomic<bool> abandoned_{false};
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  std::exception_ptr failure_;       // guarded by mutex_ until failed_ is set
  std::deque<Activity> activities_;  // [thread]
  std::vector<std::jthread> threads_;
};

void run_in_process(const Roles& roles, const ps::JobLayout& layout, const Grid& grid,
                    double timeout, const Conduct& conduct) {
  comm::LocalHub hub{layout.roles()};
  comm::MessageFaults messages;
  if (faults() != nullptr) messages = comm::message_faults(faults()->messages());
  const auto link_of = [&](comm::RoleId role) {
    auto link = hub.link(role);
    return faults() == nullptr ? std::move(link)
                               : comm::faulty_link(std::move(link), role, messages);
  };
  const auto scheduler_link = link_of(0);
  const auto server_link = link_of(layout.server(0));
  const auto server = roles.server(*server_link, 0, std::nullopt);
  WorkerThreads workers;
  for (int w = 0; w < layout.workers; ++w) {
    auto link = link_of(layout.worker(w));
    auto worker = roles.worker(*link, w);
    workers.start(std::move(link), std::move(worker));
  }
  scheduler::Cluster cluster{
      *scheduler_link, layout.servers, layout.workers, grid.strips(), timeout, [&] {
        workers.check();
        return server->step();
      }};
  cluster.record_to(roles.recorder(0));
  conduct(cluster, {{grid.items(), 0, 0}, {}});
  cluster.shutdown();
  workers.join();
  workers.check();
}

/// One link and one role object per role that lives on this rank.
struct RankRoles {
  std::vector<std::unique_ptr<comm::Transport>> links;
  std::vector<std::unique_ptr<ps::Server>> servers;
  std::vector<std::unique_ptr<worker::Worker>> workers;

  /// @return whether any role had something to do
  bool step() {
    bool worked = false;
    for (auto& server : servers) worked = (!server->stopped() && server->step()) || worked;
    for (auto& worker : workers) worked = (!worker->stopped() && worker->step()) || worked;
    return worked;
  }
  [[nodiscard]] std::string waits_for() const {
    std::string text;
    const auto add = [&](const auto& role) {
      if (!role->stopped()) text += (text.empty() ? "" : "; and for ") + role->waits_for();
    };
    for (const auto& server : servers) add(server);
    for (const auto& worker : workers) add(worker);
    return text;
  }
  [[nodiscard]] bool stopped() const {
    return std::ranges::all_of(servers, [](auto& s) { return s->stopped(); }) &&
           std::ranges::all_of(workers, [](auto& w) { return w->stopped(); });
  }
};

/// "server 0, worker 1": the roles of a rank.
std::string names_of_roles(const ps::JobLayout& layout, int rank) {
  std::vector<std::string> names;
  const auto add = [&](comm::RoleId role, const std::string& name) {
    if (layout.rank_of_role[static_cast<std::size_t>(role)] == rank) names.push_back(name);
  };
  add(0, "scheduler");
  for (int s = 0; s < layout.servers; ++s) add(layout.server(s), fmt::format("server {}", s));
  for (int w = 0; w < layout.workers; ++w) add(layout.worker(w), fmt::format("worker {}", w));
  return fmt::format("{}", fmt::join(names, ", "));
}

/// The rank that moves the blocks of a node.
int mover_of(const ps::JobLayout& layout, int node) {
  const int server = ps::servers_of_node(layout, node).front();
  return layout.rank_of_role[static_cast<std::size_t>(layout.server(server))];
}

/// What lets a rank move the blocks of its node.
struct Ring {
  Ring(int next, int previous, ps::Residents rows)
      : links{next, previous}, residents{std::move(rows)} {}
  comm::MpiRing links;
  ps::Residents residents;
};

RankRoles roles_of_rank(const Roles& roles, const JobMap& map, int rank, int node,
                        comm::MpiHub& hub, const std::unique_ptr<Ring>& ring) {
  const ps::JobLayout& layout = map.layout;
  RankRoles mine;
  const auto here = [&](comm::RoleId role) {
    return layout.rank_of_role[static_cast<std::size_t>(role)] == rank;
  };
  const int first = ps::servers_of_node(layout, node).front();
  for (int s = 0; s < layout.servers; ++s) {
    if (!here(layout.server(s))) continue;
    comm::Transport& link = *mine.links.emplace_back(hub.link(layout.server(s)));
    std::optional<Roles::Ring> ends;
    if (ring && s == first) ends = Roles::Ring{ring->links.link(), std::move(ring->residents)};
    mine.servers.push_back(roles.server(link, s, std::move(ends)));
  }
  for (int w = 0; w < layout.workers; ++w) {
    if (!here(layout.worker(w))) continue;
    mine.links.push_back(hub.link(layout.worker(w)));
    mine.workers.push_back(roles.worker(*mine.links.back(), w));
  }
  return mine;
}

/// Collective: one rank of each node finds what stays there and speaks for it in the sums.
ps::Residents residents_of(const Config& config, const Dataset& dataset, const JobMap& map,
                           int node, const comm::Environment& environment) {
  const auto stride = round_up(static_cast<std::size_t>(config.model.dim), kRowMultiple);
  if (mover_of(map.layout, node) == environment.rank()) {
    const auto sum = [&](BlockId, std::vector<std::uint16_t> mine) {
      environment.sum(mine);
      return mine;
    };
    return ps::find_residents(dataset, map.placement, node, stride, map.lease, sum);
  }
  const Grid& grid = dataset.grid();
  for (std::uint32_t b = 0; map.lease != ps::LeaseMode::dense && b < grid.blocks(); ++b) {
    std::vector<std::uint16_t> nothing(grid.items_of(BlockId{b}).size());
    environment.sum(nothing);
  }
  return {grid, stride};
}

/// Collective; nothing on a single node.
std::unique_ptr<Ring> make_ring(const Config& config, const Dataset& dataset, const JobMap& map,
                                int node, const comm::Environment& environment) {
  const ps::Placement& placement = map.placement;
  if (placement.nodes() == 1 || map.rows || map.stream) return nullptr;
  ps::Residents residents = residents_of(config, dataset, map, node, environment);
  environment.barrier();  // MPI_Comm_dup blocks: so all are there, and nobody is silent for long
  return std::make_unique<Ring>(mover_of(map.layout, placement.next(node)),
                                mover_of(map.layout, placement.previous(node)),
                                std::move(residents));
}

/// Collective; the count is on rank 0.
ps::LeaseCount leases_of_job(const Grid& grid, const Ring* ring,
                             const comm::Environment& environment) {
  ps::LeaseCount count{grid.items(), 0, 0};
  if (ring == nullptr) return count;
  const std::array mine{ring->residents.num_travelling(), ring->residents.num_staying()};
  for (const auto& bytes : environment.gather(std::as_bytes(std::span{mine}))) {
    std::array<std::uint64_t, 2> of_rank{};
    std::memcpy(of_rank.data(), bytes.data(), sizeof of_rank);
    count.travelling = std::min(count.travelling, of_rank[0]);
    count.most_staying = std::max(count.most_staying, of_rank[1]);
    count.staying += of_rank[1];
  }
  return count;
}

/// Collective; the sum is on rank 0.
worker::StreamForecast forecast_of_job(const Dataset& dataset, const JobMap& map,
                                       std::size_t columns, int node,
                                       const comm::Environment& environment) {
  if (!map.stream) return {};
  worker::StreamForecast mine;
  if (mover_of(map.layout, node) == environment.rank()) {
    mine = worker::forecast_stream(dataset, *map.stream, node, round_up(columns, kRowMultiple),
                                   map.all_pairs);
  }
  worker::StreamForecast sum;
  for (const auto& bytes : environment.gather(std::as_bytes(std::span{&mine, 1}))) {
    worker::StreamForecast of_rank;
    std::memcpy(&of_rank, bytes.data(), sizeof of_rank);
    sum += of_rank;
  }
  return sum;
}

void run_under_launcher(const Roles& roles, const JobMap& map, const std::unique_ptr<Ring>& ring,
                        int node, const JobFindings& findings, double timeout,
                        const comm::Environment& environment, const Conduct& conduct) {
  const ps::JobLayout& layout = map.layout;
  comm::MpiHub hub{environment, layout.rank_of_role};
  if (activity() != nullptr) activity()->rename(names_of_roles(layout, environment.rank()));
  RankRoles mine = roles_of_rank(roles, map, environment.rank(), node, hub, ring);
  const bool moves =
      map.rows || map.stream || (ring != nullptr && mover_of(layout, node) == environment.rank());
  const double longest_nap = moves ? kShortNap : kLongNap;
  environment.barrier();  // the blocks of every node are in their places
  if (environment.rank() == 0) {
    const auto link = hub.link(0);
    scheduler::Cluster cluster{*link,          layout.servers,
                               layout.workers, map.placement.strips(map.placement.nodes() - 1).end,
                               timeout,        [&] { return mine.step(); },
                               longest_nap};
    cluster.record_to(roles.recorder(0));
    conduct(cluster, findings);
    cluster.shutdown();
  }
  run_role(
      mine, [] { return false; }, longest_nap,
      map.rows && map.placement.nodes() > 1 ? kManyYields : kFewYields);
  Waiter waiter{timeout};
  while (!hub.drain()) waiter.pause("the last messages to be taken");
}

/// A node is a machine, or a part of one if the configuration splits it.
std::vector<int> nodes_of_ranks(const Config& config, const comm::Environment& environment) {
  const std::int64_t size = config.cluster.node_size;
  std::map<std::string, std::int64_t> ranks_of_host;
  std::map<std::pair<std::string, std::int64_t>, int> nodes;
  std::vector<int> node_of_rank;
  for (const std::string& host : environment.hosts()) {
    const std::int64_t part = size == 0 ? 0 : ranks_of_host[host]++ / size;
    const auto number = static_cast<int>(nodes.size());
    node_of_rank.push_back(nodes.try_emplace({host, part}, number).first->second);
  }
  return node_of_rank;
}

}  // namespace

ps::JobLayout layout_alone(const Config& config) {
  const auto cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  const auto wanted = static_cast<int>(config.cluster.workers);
  return ps::layout_of_process(wanted > 0 ? wanted : cores);
}

ps::JobLayout plan_layout(const Config& config, const comm::Environment& environment) {
  if (!environment.launched()) return layout_alone(config);
  return ps::layout_of_job(nodes_of_ranks(config, environment),
                           static_cast<int>(config.cluster.servers));
}

Kernels choose_kernels(const Config& config, const comm::Environment& environment) {
  const auto usable = usable_kernels();
  const int best = environment.minimum(static_cast<int>(usable.back().set));
  const std::string& wanted = config.cluster.instruction_set;
  for (const Kernels& kernels : usable) {
    const bool fits = static_cast<int>(kernels.set) <= best;
    if (wanted == "auto" ? static_cast<int>(kernels.set) == best
                         : fits && name_of(kernels.set) == wanted) {
      return kernels;
    }
  }
  throw ConfigError{
      fmt::format("cluster.instruction_set = \"{}\": not every rank's CPU has it; "
                  "the best they share is {}",
                  wanted, name_of(static_cast<InstructionSet>(best)))};
}

void run_job(const Config& config, const Dataset& dataset, const ps::JobLayout& layout,
             const Kernels& kernels, const comm::Environment& environment, const Conduct& conduct,
             JobTrace* trace) {
  const Grid& grid = dataset.grid();
  const JobMap map{config, grid, layout, &dataset};
  const std::vector<int> nodes = ps::nodes_of_ranks(layout);
  const int node = nodes[static_cast<std::size_t>(environment.rank())];
  const std::int64_t dim = config.model.dim;
  const auto cells = dataset.cell_sizes(Part::train);
  const comm::SharedMemory memory{
      environment, node, static_cast<int>(std::ranges::count(nodes, node)),
      table_bytes(map, grid, dim, cells, node),
      bytes_of_nodes(map, grid, dim, cells, nodes_here(nodes, environment))};
  const Roles roles{config, dataset, grid, map, kernels, node, memory.bytes(), trace};
  if (environment.launched()) {
    const auto ring = make_ring(config, dataset, map, node, environment);
    const JobFindings findings{
        leases_of_job(grid, ring.get(), environment),
        forecast_of_job(dataset, map, static_cast<std::size_t>(dim) + map.more_columns, node,
                        environment)};
    run_under_launcher(roles, map, ring, node, findings, config.cluster.timeout_seconds,
                       environment, conduct);
    environment.barrier();
  } else {
    run_in_process(roles, map.layout, grid, config.cluster.timeout_seconds, conduct);
  }
}

void run_alone(const Config& config, const Dataset& dataset, const Grid& grid, int workers,
               const Kernels& kernels, const comm::Environment& environment,
               const Conduct& conduct) {
  const JobMap map{config, grid, ps::layout_of_process(workers), &dataset};
  const std::size_t bytes =
      table_bytes(map, grid, config.model.dim, dataset.cell_sizes(Part::train), 0);
  const comm::SharedMemory memory{environment, 0, 1, bytes, bytes};
  const Roles roles{config, dataset, grid, map, kernels, 0, memory.bytes(), nullptr};
  run_in_process(roles, map.layout, grid, config.cluster.timeout_seconds, conduct);
}

}  // namespace factorps::apps

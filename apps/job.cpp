#include "apps/job.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <limits>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "comm/local_transport.hpp"
#include "comm/mpi_transport.hpp"
#include "comm/shared_memory.hpp"
#include "common/error.hpp"
#include "common/waiter.hpp"
#include "ps/server.hpp"
#include "worker/worker.hpp"

namespace factorps::apps {
namespace {

constexpr double kForever = std::numeric_limits<double>::infinity();

SgdStep step_of(const Config& config, const Dataset& dataset) {
  const TrainConfig& train = config.train;
  const double dim = static_cast<double>(config.model.dim);
  SgdStep step;
  step.mu = config.model.mean ? static_cast<float>(dataset.train_mean()) : 0.0F;
  step.rate = static_cast<float>(train.learning_rate);
  step.rate_bias = config.model.biases
                       ? static_cast<float>(train.learning_rate_bias.value_or(train.learning_rate))
                       : 0.0F;
  step.l2_user = static_cast<float>(train.l2_user.value_or(train.l2));
  step.l2_item = static_cast<float>(train.l2_item.value_or(train.l2));
  step.l2_bias = static_cast<float>(train.l2_bias.value_or(train.l2));
  step.gain = train.loss == "absolute" ? 1e30F : 1.0F;
  step.limit = train.loss == "absolute" ? 1.0F
               : train.loss == "huber"  ? static_cast<float>(train.huber_delta)
                                        : std::numeric_limits<float>::max();
  // Factors of a trained model have a mean square of about 1.6 / dim on ratings of unit variance.
  step.accumulation = train.optimizer == "adagrad" ? static_cast<float>(1.6 / dim) : 0.0F;
  return step;
}

ps::ServerOptions server_options(const Config& config) {
  const double std = config.model.init_std / std::sqrt(static_cast<double>(config.model.dim));
  return {config.train.seed, static_cast<float>(std), config.run.store_seen, config.model.mean};
}

/// What all roles of a process share, and how each is made.
class Roles {
 public:
  Roles(const Config& config, const Dataset& dataset, const ps::JobLayout& layout,
        const Kernels& kernels, std::span<std::byte> memory)
      : config_{config},
        dataset_{dataset},
        layout_{layout},
        kernels_{kernels},
        tables_{memory, dataset.grid(), static_cast<std::size_t>(config.model.dim)},
        order_{dataset.grid().strips(), dataset.grid().blocks(), config.train.seed},
        node_of_strip_{ps::place_strips(dataset.grid().strips(), layout)} {}

  [[nodiscard]] std::unique_ptr<ps::Server> server(comm::Transport& link, int n) const {
    return std::make_unique<ps::Server>(link, n, layout_.servers, tables_, dataset_, order_.steps(),
                                        server_options(config_));
  }

  [[nodiscard]] std::unique_ptr<worker::Worker> worker(comm::Transport& link, int n) const {
    const int node = layout_.node_of_role[static_cast<std::size_t>(layout_.worker(n))];
    std::vector<StripId> strips;
    for (std::uint32_t s = 0; s < node_of_strip_.size(); ++s) {
      if (node_of_strip_[s] == node) strips.emplace_back(s);
    }
    return std::make_unique<worker::Worker>(
        link, tables_, order_, dataset_, std::move(strips),
        worker::WorkerOptions{step_of(config_, dataset_), kernels_});
  }

 private:
  const Config& config_;
  const Dataset& dataset_;
  const ps::JobLayout& layout_;
  Kernels kernels_;
  ps::Tables tables_;
  CellOrder order_;
  std::vector<int> node_of_strip_;  // [strip]
};

/// Steps a role until the scheduler stops it or `abandoned` says so. The scheduler watches the
/// time: a role that waits for it has no deadline of its own.
template <class Role, class Abandoned>
void run_role(Role& role, Abandoned&& abandoned) {
  Waiter waiter{kForever};
  while (!role.stopped() && !abandoned()) {
    if (role.step()) {
      waiter.progress();
    } else {
      waiter.pause("the scheduler");
    }
  }
}

/// Worker threads of one process; the first exception of any of them is kept.
class WorkerThreads {
 public:
  ~WorkerThreads() { abandon(); }

  void start(std::unique_ptr<comm::Transport> link, std::unique_ptr<worker::Worker> worker) {
    threads_.emplace_back([this, link = std::move(link), worker = std::move(worker)] {
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
  std::exception_ptr failure_;  // guarded by mutex_ until failed_ is set
  std::vector<std::jthread> threads_;
};

void run_in_process(const Roles& roles, const ps::JobLayout& layout, std::uint32_t strips,
                    double timeout, const Conduct& conduct) {
  comm::LocalHub hub{layout.roles()};
  const auto scheduler_link = hub.link(0);
  const auto server_link = hub.link(layout.server(0));
  const auto server = roles.server(*server_link, 0);
  WorkerThreads workers;
  for (int w = 0; w < layout.workers; ++w) {
    auto link = hub.link(layout.worker(w));
    auto worker = roles.worker(*link, w);
    workers.start(std::move(link), std::move(worker));
  }
  scheduler::Cluster cluster{*scheduler_link, layout.servers, layout.workers, strips, timeout, [&] {
                               workers.check();
                               return server->step();
                             }};
  conduct(cluster);
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
  [[nodiscard]] bool stopped() const {
    return std::ranges::all_of(servers, [](auto& s) { return s->stopped(); }) &&
           std::ranges::all_of(workers, [](auto& w) { return w->stopped(); });
  }
};

RankRoles roles_of_rank(const Roles& roles, const ps::JobLayout& layout, int rank,
                        comm::MpiHub& hub) {
  RankRoles mine;
  const auto here = [&](comm::RoleId role) {
    return layout.rank_of_role[static_cast<std::size_t>(role)] == rank;
  };
  for (int s = 0; s < layout.servers; ++s) {
    if (!here(layout.server(s))) continue;
    mine.links.push_back(hub.link(layout.server(s)));
    mine.servers.push_back(roles.server(*mine.links.back(), s));
  }
  for (int w = 0; w < layout.workers; ++w) {
    if (!here(layout.worker(w))) continue;
    mine.links.push_back(hub.link(layout.worker(w)));
    mine.workers.push_back(roles.worker(*mine.links.back(), w));
  }
  return mine;
}

void run_under_launcher(const Roles& roles, const ps::JobLayout& layout, std::uint32_t strips,
                        double timeout, const comm::Environment& environment,
                        const Conduct& conduct) {
  comm::MpiHub hub{environment, layout.rank_of_role};
  RankRoles mine = roles_of_rank(roles, layout, environment.rank(), hub);
  if (environment.rank() == 0) {
    const auto link = hub.link(0);
    scheduler::Cluster cluster{*link,  layout.servers, layout.workers,
                               strips, timeout,        [&] { return mine.step(); }};
    conduct(cluster);
    cluster.shutdown();
  }
  run_role(mine, [] { return false; });
  Waiter waiter{timeout};
  while (!hub.drain()) waiter.pause("the last messages to be taken");
}

}  // namespace

ps::JobLayout plan_layout(const Config& config, const comm::Environment& environment) {
  if (environment.launched()) {
    const auto& hosts = environment.hosts();
    const auto other = std::ranges::find_if(hosts, [&](auto& host) { return host != hosts[0]; });
    if (other != hosts.end()) {
      throw ConfigError{
          fmt::format("ranks run on several machines ({} and {}); this version trains "
                      "on one, start all ranks there",
                      hosts[0], *other)};
    }
    return ps::layout_of_job(environment.size(), static_cast<int>(config.cluster.servers),
                             static_cast<int>(config.cluster.node_size));
  }
  const auto cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  const auto wanted = static_cast<int>(config.cluster.workers);
  return ps::layout_of_process(wanted > 0 ? wanted : cores);
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
             const Kernels& kernels, const comm::Environment& environment, const Conduct& conduct) {
  const auto dim = static_cast<std::size_t>(config.model.dim);
  const comm::SharedMemory memory{environment, ps::Tables::bytes_needed(dataset.grid(), dim)};
  const Roles roles{config, dataset, layout, kernels, memory.bytes()};
  const std::uint32_t strips = dataset.grid().strips();
  if (environment.launched()) {
    run_under_launcher(roles, layout, strips, config.cluster.timeout_seconds, environment, conduct);
    environment.barrier();
  } else {
    run_in_process(roles, layout, strips, config.cluster.timeout_seconds, conduct);
  }
}

}  // namespace factorps::apps

#include "node.hpp"

#include <limits>
#include <memory>
#include <utility>

#include <simgrid/s4u.hpp>
#include <smpi/smpi.h>
#include <sys/mman.h>

#include "comm/environment.hpp"
#include "comm/mpi_ring.hpp"
#include "comm/mpi_transport.hpp"
#include "common/aligned_buffer.hpp"
#include "common/check.hpp"
#include "common/error.hpp"
#include "common/waiter.hpp"
#include "ps/block_store.hpp"
#include "ps/leases.hpp"
#include "ps/server.hpp"
#include "scheduler/cluster.hpp"

namespace factorps::bench {
namespace {

constexpr double kForever = std::numeric_limits<double>::infinity();
constexpr double kTimeout = 600;  // simulated seconds

ps::JobLayout layout_of(int nodes) {
  ps::JobLayout layout;
  layout.servers = layout.workers = layout.nodes = nodes;
  layout.rank_of_role = {0};
  for (int role = 0; role < 2 * nodes; ++role) layout.rank_of_role.push_back(role % nodes);
  layout.node_of_role = layout.rank_of_role;
  return layout;
}

/// Outside of smpirun MPI_COMM_WORLD stands for "that of this process", and SimGrid 3.32 looks it
/// up where there is no process when it matches MPI_ANY_SOURCE. A real communicator takes its
/// place.
void make_world(int node) {
  MPI_Comm world = MPI_COMM_NULL;
  MPI_Comm_split(MPI_COMM_WORLD, 0, node, &world);
  MPI_Barrier(world);
  if (node == 0) MPI_COMM_WORLD = world;
  MPI_Barrier(world);
}

/// Zeroed memory that takes room only where it is touched: user rows never are.
class LazyMemory {
 public:
  explicit LazyMemory(std::size_t bytes) : bytes_{bytes} {
    void* const at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) throw ResourceError{"no address space for the tables of a node"};
    data_ = static_cast<std::byte*>(at);
  }
  LazyMemory(const LazyMemory&) = delete;
  LazyMemory& operator=(const LazyMemory&) = delete;
  ~LazyMemory() { ::munmap(data_, bytes_); }
  [[nodiscard]] std::span<std::byte> bytes() const noexcept { return {data_, bytes_}; }

 private:
  std::byte* data_ = nullptr;
  std::size_t bytes_;
};

/// The workers of a node: one simulated thread each, and the role that speaks for all of them. Each
/// takes cells as worker/worker.cpp does, and rests for the time that the cell would take.
class Workers {
 public:
  Workers(const Job& job, const ps::Tables& tables, int node,
          std::unique_ptr<comm::Transport> transport)
      : job_{job}, tables_{tables}, transport_{std::move(transport)} {
    const ps::Share share = job.placement.strips(node);
    for (std::uint32_t s = share.begin; s < share.end; ++s) strips_.emplace_back(s);
    for (int w = 0; w < job.workers; ++w) {
      threads_.push_back(simgrid::s4u::Actor::create("worker", simgrid::s4u::this_actor::get_host(),
                                                     [this] { run_worker(); }));
    }
  }

  bool step() {
    if (running_ == 0 && pass_ > reported_) {
      transport_->send(0, comm::Tag::worker_done, comm::encode(done_));
      ++reported_;
      return true;
    }
    const auto envelope = transport_->poll();
    if (!envelope) return false;
    if (envelope->tag == comm::Tag::shutdown) {
      stopped_ = true;
      for (const auto& thread : threads_) thread->join();
      return true;
    }
    FACTORPS_CHECK(envelope->tag == comm::Tag::start_pass);
    done_ = {};
    done_.pass = comm::decode<comm::StartPass>(envelope->body).pass;
    running_ = job_.workers;
    ++pass_;
    return true;
  }
  [[nodiscard]] bool stopped() const noexcept { return stopped_; }

 private:
  void run_worker() {
    ps::Leases leases{tables_, job_.order, strips_};
    std::uint64_t pass = 0;  // passes begun
    Waiter waiter{kForever};
    while (!stopped_) {
      if (pass == pass_) {
        waiter.pause("a pass");
        continue;
      }
      waiter.progress();
      leases.begin(pass++);
      run_pass(leases);
      --running_;
    }
  }

  void run_pass(ps::Leases& leases) {
    Waiter waiter{kForever};
    while (true) {
      if (const auto lease = leases.try_acquire()) {
        run_cell(*lease);
        leases.release(*lease);
        waiter.progress();
        continue;
      }
      if (leases.finished()) return;
      const Stopwatch stopwatch;
      const bool starved = leases.starved();
      waiter.pause("a turn");
      (starved ? done_.wait_block_seconds : done_.wait_turn_seconds) += stopwatch.seconds();
    }
  }

  void run_cell(const ps::Lease& lease) {
    const std::size_t cell = job_.work.grid.cell_index(lease.strip, lease.block);
    const double seconds = 1e-9 * static_cast<double>(job_.work.nanoseconds[cell]);
    sleep(Seconds{seconds});
    ++done_.cells;
    done_.interactions += job_.work.interactions[cell];
    done_.compute_seconds += seconds;
  }

  const Job& job_;
  const ps::Tables& tables_;
  std::unique_ptr<comm::Transport> transport_;
  std::vector<StripId> strips_;
  std::vector<simgrid::s4u::ActorPtr> threads_;
  comm::WorkerDone done_;  // of all of them; simulated threads never run at the same time
  std::uint64_t pass_ = 0;
  std::uint64_t reported_ = 0;
  int running_ = 0;
  bool stopped_ = false;
};

std::unique_ptr<ps::BlockMover> make_mover(const Job& job, int node, const ps::Tables& tables,
                                           comm::Transport& link, comm::MpiRing& ring) {
  const ps::RingNeighbours neighbours{job.layout.server(job.placement.previous(node)),
                                      job.layout.server(job.placement.next(node))};
  return std::make_unique<ps::BlockMover>(
      link, neighbours, ring.link(), job.placement, node, tables,
      ps::Residents{job.work.grid, round_up(job.dim, kRowMultiple)});
}

PassTimes times_of(const scheduler::PassResult& result) {
  PassTimes times;
  times.seconds = result.seconds;
  times.block_bytes = result.block_bytes;
  times.block_moves = result.block_moves;
  for (const comm::WorkerDone& done : result.workers) {
    times.compute += done.compute_seconds;
    times.wait_turn += done.wait_turn_seconds;
    times.wait_block += done.wait_block_seconds;
    times.interactions += done.interactions;
    times.cells += done.cells;
  }
  return times;
}

/// As in apps/job.cpp.
double nap_of(const Job& job) { return job.placement.nodes() > 1 ? kShortNap : kLongNap; }

template <class Step>
void schedule(const Job& job, comm::MpiHub& hub, const Step& step, std::vector<PassTimes>& passes) {
  const auto link = hub.link(0);
  scheduler::Cluster cluster{
      *link, job.layout.servers, job.layout.workers, job.work.grid.strips(), kTimeout,
      step,  nap_of(job)};
  for (int pass = 0; pass < job.passes; ++pass) {
    passes.push_back(times_of(cluster.run_pass({}, [](std::uint64_t) {})));
  }
  cluster.shutdown();
}

}  // namespace

Job::Job(Work cells, int nodes, int workers_of_node, std::uint32_t in_flight, std::uint64_t seed)
    : work{std::move(cells)},
      workers{workers_of_node},
      layout{layout_of(nodes)},
      order{work.grid.strips(), work.grid.blocks(), seed},
      placement{order, ps::place_strips(work.grid.strips(), layout), in_flight},
      order_seed{seed} {}

void run_node(const Job& job, int node, const Dataset& idle, std::vector<PassTimes>& passes) {
  const comm::Environment environment{true};
  make_world(node);
  comm::MpiHub hub{environment, job.layout.rank_of_role};
  const Grid& grid = job.work.grid;
  const ps::NodeShare share = job.placement.share(node);
  const LazyMemory memory{ps::Tables::bytes_needed(grid, job.dim, share)};
  const ps::Tables tables{memory.bytes(), grid, job.dim, share};
  const auto link = hub.link(job.layout.server(node));
  std::unique_ptr<comm::MpiRing> ring;
  std::unique_ptr<ps::BlockMover> mover;
  if (job.placement.nodes() > 1) {
    ring = std::make_unique<comm::MpiRing>(job.placement.next(node), job.placement.previous(node));
    mover = make_mover(job, node, tables, *link, *ring);
  }
  ps::ServerOptions options;
  options.wire = job.wire;
  const auto shard = ps::shards_of(job.layout, job.placement).at(static_cast<std::size_t>(node));
  ps::Server server{*link, shard.index,
                    std::make_unique<ps::BlockStore>(shard, tables, idle, job.order.steps(),
                                                     options, std::move(mover))};
  Workers workers{job, tables, node, hub.link(job.layout.worker(node))};
  environment.barrier();
  const auto step = [&] {
    const bool served = !server.stopped() && server.step();
    return (!workers.stopped() && workers.step()) || served;
  };
  if (node == 0) schedule(job, hub, step, passes);
  Waiter waiter{kForever, nap_of(job)};
  while (!server.stopped() || !workers.stopped()) {
    if (step()) {
      waiter.progress();
    } else {
      waiter.pause("the scheduler");
    }
  }
  while (!hub.drain()) waiter.pause("the last messages to be taken");
}

}  // namespace factorps::bench

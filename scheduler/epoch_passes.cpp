#include "scheduler/epoch_passes.hpp"

#include <algorithm>
#include <utility>

#include "scheduler/evaluation.hpp"
#include "scheduler/loss_report.hpp"

namespace factorps::scheduler {
namespace {

void add(const PassResult& pass, PassResult& total) {
  total.seconds += pass.seconds;
  total.block_bytes += pass.block_bytes;
  total.block_moves += pass.block_moves;
  total.memory.bytes = std::max(total.memory.bytes, pass.memory.bytes);
  total.memory.held = std::max(total.memory.held, pass.memory.held);
  add_pass(total.workers, pass.workers);
  total.hot_rows = pass.hot_rows;  // row mode has one pass
}

/// Items first: so at the end of an epoch every user is the best answer to the items as they are.
/// It can pause in between; what follows needs nothing but the rows.
PassResult run_als_epoch(Cluster& cluster, const Config& config, comm::StartPass start,
                         const Cluster::OnProgress& on_progress) {
  const bool all_pairs = config.train.solver == "ials";
  PassResult total;
  std::uint64_t before = 0;
  const auto run = [&](comm::PassKind kind) {
    start.kind = kind;
    auto result =
        cluster.run_pass(start, [&](std::uint64_t done) { on_progress((before + done) / 2); });
    for (const auto& worker : result.workers) before += worker.interactions;
    add(result, total);
    return result;
  };
  if (std::exchange(start.first_step, 0) == 0) {
    run(comm::PassKind::solve_items);
    if (cluster.pause_asked()) {
      total.paused_before = 1;
      return total;
    }
  }
  if (all_pairs) run(comm::PassKind::gram_items);
  const auto users = run(comm::PassKind::solve_users);
  total.sums[0] = users.sums[0];
  total.sums[1] = users.sums[1];
  if (!all_pairs) return total;
  total.sums[1] += config.ials.unobserved_weight * run(comm::PassKind::gram_users).sums[1];
  return total;
}

}  // namespace

void add_part(const PassResult& part, PassResult& total) {
  add(part, total);
  total.sums = part.sums;
}

void prepare_epochs(Cluster& cluster, const Config& config) {
  if (!solves_rows(config)) return;
  comm::StartPass start;
  start.kind = comm::PassKind::index_rows;
  static_cast<void>(cluster.run_pass(start, [](std::uint64_t) {}));
  if (config.train.solver != "ials") return;
  start.kind = comm::PassKind::gram_users;
  static_cast<void>(cluster.run_pass(start, [](std::uint64_t) {}));
}

PassResult run_epoch(Cluster& cluster, const Config& config, comm::StartPass start,
                     const Cluster::OnProgress& on_progress) {
  if (solves_rows(config)) return run_als_epoch(cluster, config, start, on_progress);
  return cluster.run_pass(start, on_progress);
}

bool streams_rows(const Config& config, int nodes) {
  return nodes > 1 && solves_rows(config) && config.ials.copies == "streamed";
}

bool ranks_in_turns(const Config& config, int nodes) {
  if (nodes == 1 || !learns_to_rank(config)) return false;
  return config.train.solver == "sgd" || streams_rows(config, nodes);
}

PassResult run_evaluation(Cluster& cluster, const Config& config, comm::StartPass start,
                          int nodes) {
  const auto silent = [](std::uint64_t) {};
  start.kind = Evaluation::kind_of(config);
  if (!ranks_in_turns(config, nodes)) return cluster.run_pass(start, silent);
  PassResult total;
  for (const auto kind : {comm::PassKind::rank_scores, comm::PassKind::rank_counts}) {
    start.kind = kind;
    const PassResult result = cluster.run_pass(start, silent);
    add(result, total);
    total.sums = result.sums;
  }
  return total;
}

}  // namespace factorps::scheduler

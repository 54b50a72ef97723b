#include "worker/worker.hpp"

#include <utility>

#include "common/error.hpp"
#include "eval/metrics.hpp"
#include "worker/cell_errors.hpp"

namespace factorps::worker {
namespace {

constexpr double kProgressSeconds = 1;

}  // namespace

Worker::Worker(comm::Transport& transport, const ps::Tables& tables, const CellOrder& order,
               const Dataset& dataset, std::vector<StripId> strips, WorkerOptions options)
    : transport_{transport},
      tables_{tables},
      dataset_{dataset},
      leases_{tables, order, std::move(strips)},
      options_{options} {}

bool Worker::step() {
  if (!running_) {
    const auto envelope = transport_.poll();
    if (!envelope) return false;
    handle(*envelope);
    return true;
  }
  if (waiting_ != nullptr) note_wait();
  if (const auto lease = leases_.try_acquire()) {
    run(*lease);
    return true;
  }
  if (leases_.finished()) {
    report();
    return true;
  }
  waiting_ = leases_.starved() ? &done_.wait_block_seconds : &done_.wait_turn_seconds;
  attempt_ = Clock::now();
  return false;
}

void Worker::note_wait() {
  const auto now = Clock::now();
  *waiting_ += Seconds{now - attempt_}.count();
  if (options_.trace != nullptr) {
    const bool for_block = waiting_ == &done_.wait_block_seconds;
    options_.trace->extend({.start = attempt_,
                            .end = now,
                            .kind = for_block ? TraceKind::wait_block : TraceKind::wait_turn,
                            .epoch = pass_.epoch});
  }
  waiting_ = nullptr;
}

void Worker::handle(const comm::Envelope& envelope) {
  if (envelope.tag == comm::Tag::shutdown) {
    stopped_ = true;
    return;
  }
  if (envelope.tag != comm::Tag::start_pass) throw ProtocolError{"worker: unexpected message"};
  pass_ = comm::decode<comm::StartPass>(envelope.body);
  done_ = {};
  done_.pass = pass_.pass;
  leases_.begin(pass_.pass);
  running_ = true;
  cpu_at_start_ = thread_cpu_seconds();
}

void Worker::run(const ps::Lease& lease) {
  const auto start = Clock::now();
  const bool training = pass_.kind == comm::PassKind::train;
  const Part part = training ? Part::train : static_cast<Part>(pass_.part);
  const CellView cell = dataset_.cell(part, lease.strip, lease.block);
  tables_.sums(lease.strip, lease.block) = training ? train(cell, lease) : evaluate(cell, lease);
  leases_.release(lease);
  ++done_.cells;
  done_.interactions += cell.size();
  const auto end = Clock::now();
  done_.compute_seconds += Seconds{end - start}.count();
  if (options_.trace != nullptr) {
    options_.trace->add({start, end, training ? TraceKind::train_cell : TraceKind::evaluate_cell,
                         pass_.epoch, lease.strip.value(), lease.block.value(), cell.size()});
  }
  if (since_progress_.seconds() < kProgressSeconds) return;
  since_progress_.restart();
  transport_.send(0, comm::Tag::progress,
                  comm::encode(comm::Progress{pass_.pass, done_.interactions}));
}

ps::CellSums Worker::train(const CellView& cell, const ps::Lease& lease) {
  SgdStep step = options_.step;
  step.rate *= pass_.learning_rate_factor;
  step.rate_bias *= pass_.learning_rate_factor;
  const double squared =
      options_.kernels.train(cell, tables_.strip(lease.strip), tables_.block(lease.block), step);
  return {static_cast<double>(cell.size()), squared};
}

ps::CellSums Worker::evaluate(const CellView& cell, const ps::Lease& lease) {
  predictions_.resize(cell.size());
  options_.kernels.predict(cell, tables_.strip(lease.strip), tables_.block(lease.block),
                           options_.step.mu, predictions_.data());
  return to_cell_sums(errors_of_cell(dataset_, cell, lease.strip, lease.block, predictions_));
}

void Worker::report() {
  running_ = false;
  done_.cpu_seconds = thread_cpu_seconds() - cpu_at_start_;
  done_.memory = memory_.use();
  transport_.send(0, comm::Tag::worker_done, comm::encode(done_));
}

}  // namespace factorps::worker

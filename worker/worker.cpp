#include "worker/worker.hpp"

#include <utility>

#include <fmt/format.h>

#include "common/error.hpp"
#include "common/faults.hpp"

namespace factorps::worker {
namespace {

constexpr double kProgressSeconds = 1;

}  // namespace

Worker::Worker(comm::Transport& transport, std::unique_ptr<Work> work, TraceRecorder* trace)
    : transport_{transport}, work_{std::move(work)}, trace_{trace} {}

bool Worker::step() {
  if (!running_) {
    const auto envelope = transport_.poll();
    if (!envelope) return false;
    handle(*envelope);
    return true;
  }
  if (waiting_ != nullptr) note_wait();
  if (try_work()) return true;
  if (work_->finished()) {
    report();
    return true;
  }
  waiting_ = work_->starved() ? &done_.wait_block_seconds : &done_.wait_turn_seconds;
  attempt_ = Clock::now();
  return false;
}

std::string Worker::waits_for() const {
  return running_ ? fmt::format("{} (pass {})", work_->waits_for(), pass_.pass) : "the scheduler";
}

void Worker::note_wait() {
  const auto now = Clock::now();
  *waiting_ += Seconds{now - attempt_}.count();
  if (trace_ != nullptr) {
    const bool for_block = waiting_ == &done_.wait_block_seconds;
    trace_->extend({.start = attempt_,
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
  pass_epoch(pass_.epoch);
  work_->begin(pass_);
  running_ = true;
  cpu_at_start_ = thread_cpu_seconds();
}

bool Worker::try_work() {
  const auto start = Clock::now();
  const auto piece = work_->try_piece();
  if (!piece) return false;
  ++done_.cells;
  done_.interactions += piece->interactions;
  const auto end = Clock::now();
  done_.compute_seconds += Seconds{end - start}.count();
  if (trace_ != nullptr) {
    trace_->add(
        {start, end, piece->kind, pass_.epoch, piece->strip, piece->block, piece->interactions});
  }
  if (since_progress_.seconds() < kProgressSeconds) return true;
  since_progress_.restart();
  transport_.send(0, comm::Tag::progress,
                  comm::encode(comm::Progress{pass_.pass, done_.interactions}));
  return true;
}

void Worker::report() {
  running_ = false;
  done_.cpu_seconds = thread_cpu_seconds() - cpu_at_start_;
  done_.rows = work_->traffic();
  done_.memory = memory_.use();
  transport_.send(0, comm::Tag::worker_done, comm::encode(done_));
}

}  // namespace factorps::worker

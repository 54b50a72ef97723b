#include "scheduler/cluster.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "common/check.hpp"
#include "common/error.hpp"
#include "common/timer.hpp"
#include "common/waiter.hpp"

namespace factorps::scheduler {
namespace {

// A server that writes or reads its shard is silent meanwhile.
constexpr double kCommandPatience = 12;  // times the timeout

[[noreturn]] void rethrow(const comm::CommandDone& reply) {
  switch (static_cast<ExitCode>(reply.exit_code)) {
    case ExitCode::data:
      throw DataError{reply.error};
    case ExitCode::checkpoint:
      throw CheckpointError{reply.error};
    case ExitCode::resources:
      throw ResourceError{reply.error};
    case ExitCode::usage:
      throw ConfigError{reply.error};
    default:
      throw Error{reply.error};
  }
}

/// What a pass has brought in so far.
struct Collected {
  std::vector<std::array<double, comm::kSumsPerStrip>> strips;  // [strip]
  std::uint32_t strips_missing = 0;
  std::vector<comm::WorkerDone> workers;  // [worker]
  std::vector<comm::HotRow> hot_rows;
  std::vector<std::uint64_t> interactions;  // [worker]
  int workers_missing = 0;
  std::uint64_t block_bytes = 0;
  std::uint64_t block_moves = 0;
  std::map<std::int64_t, comm::MemoryUse> memory;  // by process

  void take(const comm::StripsDone& done) {
    if (done.sums.size() != done.strips.size() * comm::kSumsPerStrip) {
      throw ProtocolError{"strips_done: wrong number of sums"};
    }
    for (std::size_t n = 0; n < done.strips.size(); ++n) {
      auto& sums = strips.at(done.strips[n]);
      for (std::size_t k = 0; k < sums.size(); ++k) sums[k] = done.sums[n * sums.size() + k];
    }
    block_bytes += done.block_bytes;
    block_moves += done.blocks;
    hot_rows.insert(hot_rows.end(), done.hot_rows.begin(), done.hot_rows.end());
    strips_missing -= static_cast<std::uint32_t>(done.strips.size());
    memory[done.memory.process] = done.memory;
  }

  void take(std::size_t worker, const comm::WorkerDone& done) {
    workers.at(worker) = done;
    interactions.at(worker) = done.interactions;
    --workers_missing;
    memory[done.memory.process] = done.memory;
  }
};

/// The first few, in an order that does not depend on who came first.
std::vector<comm::HotRow> hottest(std::vector<comm::HotRow> rows) {
  constexpr std::size_t kMost = 8;
  std::ranges::sort(rows, {}, [](const comm::HotRow& hot) {
    return std::tuple{~hot.pushes, hot.table, hot.row};
  });
  rows.resize(std::min(rows.size(), kMost));
  return rows;
}

}  // namespace

Cluster::Cluster(comm::Transport& transport, int servers, int workers, std::uint32_t strips,
                 double timeout, Pump pump, double longest_nap)
    : transport_{transport},
      servers_{servers},
      workers_{workers},
      strips_{strips},
      timeout_{timeout},
      pump_{std::move(pump)},
      longest_nap_{longest_nap} {}

void Cluster::send(comm::RoleId to, comm::Tag tag, std::vector<std::byte> body) {
  message_bytes_ += body.size();
  transport_.send(to, tag, std::move(body));
}

void Cluster::send_to_servers(const comm::Command& command) {
  for (int s = 0; s < servers_; ++s) send(1 + s, comm::Tag::command, comm::encode(command));
}

/// Lets the job work until a message has come that is not about a cut, or it is enough.
template <class Enough>
std::optional<comm::Envelope> Cluster::await(const std::string& what, double patience,
                                             const Enough& enough) {
  Waiter waiter{timeout_ * patience, longest_nap_};
  while (!enough()) {
    if (auto envelope = transport_.poll()) {
      message_bytes_ += envelope->body.size();
      waiter.progress();
      if (!takes_cut_reply(*envelope)) return envelope;
    } else if (pump_()) {
      waiter.progress();
    } else {
      waiter.pause(what);
    }
  }
  return std::nullopt;
}

comm::Envelope Cluster::receive(const std::string& what, double patience) {
  return *await(what, patience, [] { return false; });
}

bool Cluster::takes_cut_reply(const comm::Envelope& envelope) {
  const bool saved = envelope.tag == comm::Tag::cut_saved;
  if (!saved && envelope.tag != comm::Tag::command_done) return false;
  auto reply = comm::decode<comm::CommandDone>(envelope.body);
  if (reply.kind != comm::CommandKind::cut) return false;
  if (!saving_) throw ProtocolError{"scheduler: reply about a cut that is not being saved"};
  if (!reply.error.empty()) rethrow(reply);
  if (!saved) {
    --saving_->copies_missing;
    return true;
  }
  saving_->replies.at(static_cast<std::size_t>(envelope.from - 1)) = std::move(reply);
  if (--saving_->files_missing > 0) return true;
  const Saving done = std::move(*saving_);
  saving_.reset();
  done.on_saved(done.replies);
  return true;
}

void Cluster::start_cut(const comm::Command& command, bool copied, OnSaved on_saved) {
  FACTORPS_CHECK(!saving_);
  saving_ = Saving{command.cut, servers_, servers_,
                   std::vector<comm::CommandDone>(static_cast<std::size_t>(servers_)),
                   std::move(on_saved)};
  send_to_servers(command);
  if (!copied) return;
  if (await("the servers to copy their rows", kCommandPatience,
            [&] { return !saving_ || saving_->copies_missing == 0; })) {
    throw ProtocolError{"scheduler: unexpected message at a cut"};
  }
}

void Cluster::finish_cut() {
  if (!saving_) return;
  comm::Command rest{comm::CommandKind::copy_rest, {}, {}};
  rest.cut = saving_->number;
  run(rest);
  if (await("the servers to write a checkpoint", kCommandPatience, [&] { return !saving_; })) {
    throw ProtocolError{"scheduler: unexpected message at the end of a cut"};
  }
}

/// First all nodes hold, then the largest step that any of them reached becomes the end of the
/// pass.
void Cluster::think_of_pausing(const comm::StartPass& start) {
  if (!pause_asked_ || start.kind != comm::PassKind::train || pausing_.missing > 0) return;
  if (paused_before_ || !pause_asked_()) return;
  // At least a step further than the last pause, so that every pass gets on.
  pausing_ = {comm::CommandKind::hold, servers_, start.first_step + 1};
  send_to_servers({comm::CommandKind::hold, {}, {}});
}

void Cluster::take_pause_reply(const comm::Envelope& envelope) {
  const auto reply = comm::decode<comm::CommandDone>(envelope.body);
  if (!reply.error.empty()) rethrow(reply);
  if (pausing_.missing == 0 || reply.kind != pausing_.kind) {
    throw ProtocolError{"scheduler: unexpected reply in a pass"};
  }
  pausing_.step = std::max(pausing_.step, reply.step);
  if (--pausing_.missing > 0 || reply.kind == comm::CommandKind::pause) return;
  comm::Command pause{comm::CommandKind::pause, {}, {}};
  pause.step = pausing_.step;
  paused_before_ = pausing_.step;
  pausing_ = {comm::CommandKind::pause, servers_, 0};
  send_to_servers(pause);
}

PassResult Cluster::run_pass(comm::StartPass start, const OnProgress& on_progress) {
  const auto began = Clock::now();
  start.pass = next_pass_++;
  Collected got;
  got.strips.resize(strips_);
  got.strips_missing = strips_;
  got.workers.resize(static_cast<std::size_t>(workers_));
  got.interactions.resize(static_cast<std::size_t>(workers_));
  got.workers_missing = workers_;
  for (int role = 1; role <= servers_ + workers_; ++role) {
    send(role, comm::Tag::start_pass, comm::encode(start));
  }
  paused_before_.reset();
  const auto ask_now_and_then = [&] {
    think_of_pausing(start);
    return false;
  };
  while (got.strips_missing > 0 || got.workers_missing > 0 || pausing_.missing > 0) {
    const comm::Envelope envelope =
        *await(fmt::format("the end of pass {}: {} of {} strips and {} of {} workers missing",
                           start.pass, got.strips_missing, strips_, got.workers_missing, workers_),
               1, ask_now_and_then);
    const auto worker = static_cast<std::size_t>(envelope.from - 1 - servers_);
    if (envelope.tag == comm::Tag::command_done) {
      take_pause_reply(envelope);
    } else if (envelope.tag == comm::Tag::strips_done) {
      got.take(comm::decode<comm::StripsDone>(envelope.body));
    } else if (envelope.tag == comm::Tag::worker_done) {
      got.take(worker, comm::decode<comm::WorkerDone>(envelope.body));
    } else if (envelope.tag == comm::Tag::progress) {
      got.interactions.at(worker) = comm::decode<comm::Progress>(envelope.body).interactions;
      on_progress(
          std::accumulate(got.interactions.begin(), got.interactions.end(), std::uint64_t{0}));
    } else {
      throw ProtocolError{"scheduler: unexpected message in a pass"};
    }
  }
  PassResult result;
  for (const auto& strip : got.strips) {
    for (std::size_t k = 0; k < strip.size(); ++k) result.sums[k] += strip[k];
  }
  const comm::MemoryUse own = memory_.use();
  got.memory[own.process] = own;
  for (const auto& [process, use] : got.memory) {
    result.memory.bytes += use.bytes;
    result.memory.held += use.held;
  }
  result.block_bytes = got.block_bytes;
  result.block_moves = got.block_moves;
  result.workers = std::move(got.workers);
  result.hot_rows = hottest(std::move(got.hot_rows));
  if (paused_before_ && *paused_before_ < steps_) result.paused_before = paused_before_;
  const auto ended = Clock::now();
  result.seconds = Seconds{ended - began}.count();
  if (trace_ != nullptr) {
    const bool training = start.kind == comm::PassKind::train;
    trace_->add(
        {began, ended, training ? TraceKind::train : TraceKind::evaluate, start.epoch, 0, 0, 0});
  }
  return result;
}

std::vector<comm::CommandDone> Cluster::run(const comm::Command& command) {
  const auto began = Clock::now();
  send_to_servers(command);
  auto replies = collect_replies();
  if (trace_ != nullptr) trace_->add({began, Clock::now(), comm::trace_kind(command.kind)});
  return replies;
}

/// One of each server.
std::vector<comm::CommandDone> Cluster::collect_replies() {
  std::vector<comm::CommandDone> replies(static_cast<std::size_t>(servers_));
  for (int missing = servers_; missing > 0; --missing) {
    const comm::Envelope envelope =
        receive(fmt::format("the servers to finish a command: {} of {} missing", missing, servers_),
                kCommandPatience);
    if (envelope.tag != comm::Tag::command_done) {
      throw ProtocolError{"scheduler: unexpected message after a command"};
    }
    replies.at(static_cast<std::size_t>(envelope.from - 1)) =
        comm::decode<comm::CommandDone>(envelope.body);
  }
  for (const auto& reply : replies) {
    if (!reply.error.empty()) rethrow(reply);
  }
  return replies;
}

void Cluster::shutdown() {
  for (int role = 1; role <= servers_ + workers_; ++role) send(role, comm::Tag::shutdown, {});
}

}  // namespace factorps::scheduler

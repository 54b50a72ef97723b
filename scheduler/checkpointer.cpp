#include "scheduler/checkpointer.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "common/activity.hpp"

namespace factorps::scheduler {
namespace {

CheckpointFile from_message(const comm::FileEntry& entry) {
  CheckpointFile file{entry.name, entry.bytes, entry.checksum, entry.frame};
  for (const auto& data : entry.datasets) {
    file.datasets.push_back({data.name, data.offset, data.bytes, data.checksum});
  }
  return file;
}

}  // namespace

double best_interval(double cost, double mtbf) {
  if (cost >= 2 * mtbf) return mtbf;
  const double x = cost / (2 * mtbf);
  return std::sqrt(2 * cost * mtbf) * (1 + std::sqrt(x) / 3 + x / 9) - cost;
}

Checkpointer::Checkpointer(const Config& config, CheckpointManifest like, RunDirectory& run,
                           Note note)
    : config_{config},
      like_{std::move(like)},
      run_{run},
      note_{std::move(note)},
      copied_by_servers_{solves_rows(config) || pulls_rows(config)} {}

double Checkpointer::interval() const {
  if (config_.checkpoint.interval != "auto") return config_.checkpoint.every_minutes * 60;
  // Until the first one has shown what it costs.
  constexpr double kFirst = 60;
  return cost_ ? best_interval(*cost_, between_failures()) : kFirst;
}

double Checkpointer::between_failures() const {
  return run_.uptime().between_failures(config_.checkpoint.mtbf_hours * 3600);
}

bool Checkpointer::due_by_time() const {
  const double seconds = interval();
  return seconds > 0 && since_last_.seconds() >= seconds && !cluster_->saving();
}

bool Checkpointer::due(std::uint64_t epoch, bool best) const {
  const bool automatic = config_.checkpoint.interval == "auto";
  const auto every = static_cast<std::uint64_t>(config_.checkpoint.every_epochs);
  return (!automatic && every > 0 && epoch % every == 0) || (automatic && !last_) ||
         due_by_time() || (best && config_.evaluate.keep == "best");
}

void Checkpointer::save(Position at, std::string state, std::optional<std::uint64_t> best_epoch) {
  if (last_ == at) return;
  const Doing doing{fmt::format("saves a checkpoint after epoch {}", at.epoch)};
  finish();
  const Stopwatch stall;
  Pending pending;
  pending.at = at;
  pending.temporary = run_.checkpoints().begin(at.epoch, at.step);
  pending.manifest = like_;
  pending.manifest.epoch = at.epoch;
  pending.manifest.step = at.step;
  pending.manifest.state = std::move(state);
  pending.policy = {static_cast<std::size_t>(config_.checkpoint.keep), best_epoch,
                    static_cast<std::uint64_t>(config_.checkpoint.keep_every)};
  comm::Command command{comm::CommandKind::cut, pending.temporary.string(), {}};
  command.step = at.step;
  last_ = at;
  since_last_.restart();
  if (config_.checkpoint.background) {
    command.cut = ++cut_;
    cluster_->start_cut(command, copied_by_servers_ || at.step > 0,
                        [this, pending](const std::vector<comm::CommandDone>& replies) {
                          commit(pending, replies);
                        });
  } else {
    command.kind = comm::CommandKind::save;
    commit(pending, cluster_->run(command));
  }
  stall_ += stall.seconds();
}

void Checkpointer::finish() {
  const Stopwatch stall;
  cluster_->finish_cut();
  stall_ += stall.seconds();
}

std::uint64_t Checkpointer::open_cut() const { return cluster_->saving() ? cut_ : 0; }

void Checkpointer::commit(Pending pending, const std::vector<comm::CommandDone>& replies) {
  const Doing doing{fmt::format("commits the checkpoint of epoch {}", pending.at.epoch)};
  std::uint64_t bytes = 0;
  for (const auto& reply : replies) {
    for (const auto& file : reply.files) {
      pending.manifest.files.push_back(from_message(file));
      bytes += file.bytes;
    }
  }
  run_.checkpoints().commit(pending.temporary, pending.manifest);
  run_.checkpoints().prune(pending.policy);
  run_.uptime().keep();
  saved_ = SavedCheckpoint{pending.at, pending.since_cut.seconds(), bytes};
  note_cost(saved_->seconds);
}

void Checkpointer::note_cost(double seconds) {
  const bool first = !cost_;
  cost_ = seconds;
  if (!first || config_.checkpoint.interval != "auto") return;
  const Uptime& uptime = run_.uptime();
  note_(
      fmt::format("a checkpoint takes {:.2g} s: one every {:.3g} s loses least if a failure comes "
                  "every {:.3g} hours ({} in {:.2f} hours of this run, and one in {:g}: "
                  "checkpoint.mtbf_hours)",
                  seconds, interval(), between_failures() / 3600, uptime.failures(),
                  uptime.seconds() / 3600, config_.checkpoint.mtbf_hours));
}

}  // namespace factorps::scheduler

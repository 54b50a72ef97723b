#include "scheduler/trainer.hpp"

#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scheduler/epoch_passes.hpp"
#include "scheduler/export.hpp"
#include "scheduler/loss_report.hpp"
#include "scheduler/records.hpp"

namespace factorps::scheduler {
namespace {

using nlohmann::json;

}  // namespace

Trainer::Trainer(const Config& config, const Dataset& dataset, const JobFacts& facts,
                 Cluster& cluster, RunDirectory& run, ProgressDisplay& display,
                 StopRequested stop_requested)
    : config_{config},
      dataset_{dataset},
      facts_{facts},
      cluster_{&cluster},
      run_{run},
      display_{display},
      stop_requested_{std::move(stop_requested)},
      rate_{schedule_from(config.train.schedule), config.train.decay},
      stopping_{static_cast<std::uint64_t>(config.train.patience), config.train.min_delta} {}

TrainingResult Trainer::run(const std::optional<ResumePoint>& resume) {
  start(resume);
  return train();
}

TrainingResult Trainer::go_on(Cluster& cluster) {
  cluster_ = &cluster;
  cluster_->run({comm::CommandKind::load, run_.checkpoints().path_of(epoch_).string(), {}});
  return train();
}

TrainingResult Trainer::train() {
  prepare_epochs(*cluster_, config_);
  while (!finished()) {
    if (stop_requested_()) return stop_early("asked to stop");
    const double limit = config_.train.time_limit_minutes * 60;
    if (limit > 0 && since_start_.seconds() > limit) return stop_early("time limit reached");
    const auto workers = train_epoch();
    if (!build_anew_ || finished()) continue;
    if (const std::string why = build_anew_(workers); !why.empty()) return hand_over(why);
  }
  return finish();
}

void Trainer::start(const std::optional<ResumePoint>& resume) {
  if (!resume) {
    cluster_->run({comm::CommandKind::initialise, {}, {}});
    run_.log(fmt::format("training starts: {} workers, {} servers, {} kernels", facts_.workers,
                         facts_.servers, facts_.instruction_set));
    for (const Part part : {Part::validation, Part::test}) {
      if (!dataset_.held_out(part)) continue;
      display_.note(
          fmt::format("the users of {} are held out: not measured here, factorps "
                      "evaluate folds them in",
                      part_name(part)));
    }
    return;
  }
  cluster_->run({comm::CommandKind::load, resume->checkpoint.string(), {}});
  epoch_ = resume->manifest.epoch;
  last_checkpoint_ = epoch_;
  restore_state(resume->manifest.state, rate_, stopping_);
  adopt_best(run_, resume->checkpoint, stopping_.state());
  run_.reopen_after(epoch_);
  if (facts_.instruction_set != resume->manifest.instruction_set) {
    display_.note(
        fmt::format("warning: the checkpoint was computed with {} kernels, this job has "
                    "{}: the result will not be the same bit for bit",
                    resume->manifest.instruction_set, facts_.instruction_set));
  }
  display_.note(
      fmt::format("resuming after epoch {} from {}", epoch_, resume->checkpoint.string()));
  run_.log(fmt::format("resumed after epoch {} from {}", epoch_, resume->checkpoint.string()));
}

bool Trainer::finished() const {
  return epoch_ >= static_cast<std::uint64_t>(config_.train.epochs) || stopping_.should_stop();
}

std::vector<comm::WorkerDone> Trainer::train_epoch() {
  MeasuredEpoch epoch;
  epoch.rate_factor = rate_.factor();
  epoch.squared = !learns_to_rank(config_);
  comm::StartPass pass;
  pass.learning_rate_factor = static_cast<float>(rate_.factor());
  pass.epoch = static_cast<std::uint32_t>(epoch_ + 1);
  display_.update(epoch_ + 1, 0);
  epoch.train = run_epoch(*cluster_, config_, pass,
                          [this](std::uint64_t done) { display_.update(epoch_ + 1, done); });
  epoch.epoch = ++epoch_;
  const bool last = epoch_ == static_cast<std::uint64_t>(config_.train.epochs);
  if ((last || evaluation_due()) && measures(Part::validation)) {
    const Stopwatch stopwatch;
    const PassResult result = evaluate(Part::validation);
    epoch.validation.emplace(config_, result.sums);
    epoch.evaluate_block_bytes = result.block_bytes;
    epoch.evaluate_seconds = stopwatch.seconds();
    epoch.best = judge(epoch.validation->cost());
  }
  if (!std::isfinite(epoch.loss())) {
    throw DataError{
        fmt::format("the training diverged in epoch {}: the loss is not finite; lower "
                    "train.learning_rate, now {} times {}",
                    epoch_, config_.train.learning_rate, epoch.rate_factor)};
  }
  rate_.advance({epoch.loss(), epoch.validation && evaluation_due(), epoch.best});
  if (!checkpoint_due(epoch.best)) {
    record(epoch);
    return std::move(epoch.train.workers);
  }
  const Stopwatch stopwatch;
  const PendingCheckpoint pending = save();
  epoch.checkpoint_seconds = stopwatch.seconds();
  record(epoch);  // before the commit: no checkpoint without the lines that lead to it
  commit(pending);
  return std::move(epoch.train.workers);
}

PassResult Trainer::evaluate(Part part) {
  comm::StartPass pass;
  pass.part = static_cast<std::uint8_t>(part);
  pass.epoch = static_cast<std::uint32_t>(epoch_);
  return run_evaluation(*cluster_, config_, pass, facts_.nodes);
}

/// The rows of held-out users are not trained: only factorps evaluate folds them in.
bool Trainer::measures(Part part) const {
  return dataset_.interactions(part) > 0 && !dataset_.held_out(part);
}

bool Trainer::evaluation_due() const {
  return epoch_ % static_cast<std::uint64_t>(config_.evaluate.every) == 0;
}

/// The last epoch is evaluated out of turn too. That leaves no trace in the state, or a training
/// that is continued later would differ from one that was longer from the start.
bool Trainer::judge(double cost) {
  return evaluation_due() ? stopping_.observe(epoch_, cost) : stopping_.improves(cost);
}

/// The epoch whose rows become the model.
std::uint64_t Trainer::choose_epoch() {
  const auto& best = stopping_.state();
  if (config_.evaluate.keep != "best" || !best.best || best.best_epoch == epoch_) return epoch_;
  if (!evaluation_due() &&
      stopping_.improves(Evaluation{config_, evaluate(Part::validation).sums}.cost())) {
    return epoch_;
  }
  return best.best_epoch;
}

bool Trainer::checkpoint_due(bool best) const {
  const auto every = static_cast<std::uint64_t>(config_.checkpoint.every_epochs);
  const double seconds = config_.checkpoint.every_minutes * 60;
  return (every > 0 && epoch_ % every == 0) ||
         (seconds > 0 && since_checkpoint_.seconds() >= seconds) ||
         (best && config_.evaluate.keep == "best");
}

Trainer::PendingCheckpoint Trainer::save() {
  const auto temporary = run_.checkpoints().begin(epoch_);
  const auto replies = cluster_->run({comm::CommandKind::save, temporary.string(), {}});
  CheckpointManifest manifest{epoch_,
                              dataset_.fingerprint(),
                              run_identity(config_, dataset_),
                              facts_.instruction_set,
                              state_text(rate_, stopping_),
                              {}};
  for (const auto& reply : replies) {
    for (const auto& file : reply.files) {
      manifest.files.push_back({file.name, file.bytes, file.checksum});
    }
  }
  return {temporary, std::move(manifest)};
}

void Trainer::commit(const PendingCheckpoint& pending) {
  run_.checkpoints().commit(pending.temporary, pending.manifest);
  const auto& best = stopping_.state();
  run_.checkpoints().prune(static_cast<std::size_t>(config_.checkpoint.keep),
                           best.best ? std::optional{best.best_epoch} : std::nullopt);
  last_checkpoint_ = epoch_;
  since_checkpoint_.restart();
}

void Trainer::record(const MeasuredEpoch& epoch) {
  totals_.add(epoch.train);
  json line = epoch_record(epoch);
  line["message_bytes_total"] = message_bytes();
  run_.append_metrics(line.dump());
  const EpochLine shown{epoch_,
                        epoch.train_value(),
                        epoch.validation.has_value(),
                        config_.evaluate.metric,
                        epoch.validation ? epoch.validation->value() : 0,
                        epoch.best,
                        epoch.updates_per_second() / 1e6,
                        epoch.train_metric()};
  display_.finish(shown);
  run_.log(fmt::format(
      "epoch {} train_{} {:.6f} {}", epoch_, shown.train_metric, shown.train_value,
      epoch.validation ? fmt::format("validation_{} {:.6f}", config_.evaluate.metric, shown.value)
                       : ""));
}

TrainingResult Trainer::stop_early(const std::string& reason) {
  if (last_checkpoint_ != epoch_) commit(save());
  const std::string text =
      fmt::format("{} after epoch {}; continue with --resume auto", reason, epoch_);
  display_.note(text);
  run_.log(text);
  return {ExitCode::stopped_early, {}};
}

/// What is known of the rows goes through a checkpoint; all else stays in this object.
TrainingResult Trainer::hand_over(const std::string& reason) {
  if (last_checkpoint_ != epoch_) commit(save());
  const std::string text = fmt::format("after epoch {} {}", epoch_, reason);
  display_.note(text);
  run_.log(text);
  earlier_message_bytes_ += cluster_->message_bytes();
  cluster_ = nullptr;
  TrainingResult result;
  result.goes_on = true;
  return result;
}

TrainingResult Trainer::finish() {
  const std::uint64_t model_epoch = choose_epoch();
  if (model_epoch != epoch_) {
    const auto path = run_.checkpoints().path_of(model_epoch);
    static_cast<void>(verify_checkpoint(path));
    cluster_->run({comm::CommandKind::load, path.string(), {}});
  }
  json summary = summary_of_job(facts_, dataset_);
  for (const Part part : {Part::validation, Part::test}) {
    summary[part_name(part)] =
        measures(part) ? Evaluation{config_, evaluate(part).sums}.record() : json();
  }
  summary["epochs"] = epoch_;
  summary["model_epoch"] = model_epoch;
  const json provenance{{"dataset", dataset_.path().string()},
                        {"dataset_fingerprint", dataset_.fingerprint()},
                        {"epoch", model_epoch},
                        {"instruction_set", facts_.instruction_set},
                        {"config", training_identity(config_)}};
  const std::string digest = export_model(*cluster_, run_, facts_.nodes, provenance.dump());
  summary["model"] = (run_.path() / "model.h5").string();
  summary["model_sha256"] = digest;
  summary.update(totals_record(
      totals_, largest_loss(totals_.workers, grid_limit(dataset_, config_.train.seed))));
  summary["total_seconds"] = since_start_.seconds();
  summary["message_bytes"] = message_bytes();
  run_.write_summary(summary.dump(2) + '\n');
  run_.log(fmt::format("done: model {} sha256 {}", summary["model"].get<std::string>(), digest));
  return {ExitCode::done, summary.dump()};
}

}  // namespace factorps::scheduler

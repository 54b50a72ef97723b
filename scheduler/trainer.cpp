#include "scheduler/trainer.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/activity.hpp"
#include "common/faults.hpp"
#include "model/mini_batches.hpp"
#include "scheduler/epoch_passes.hpp"
#include "scheduler/export.hpp"
#include "scheduler/loss_report.hpp"
#include "scheduler/records.hpp"

namespace factorps::scheduler {
namespace {

using nlohmann::json;

std::optional<std::uint64_t> best_epoch(const EarlyStopping& stopping) {
  const auto& best = stopping.state();
  return best.best ? std::optional{best.best_epoch} : std::nullopt;
}

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
      stopping_{static_cast<std::uint64_t>(config.train.patience), config.train.min_delta},
      checkpointer_{config_,
                    CheckpointManifest{0,
                                       dataset.fingerprint(),
                                       run_identity(config, dataset),
                                       facts.instruction_set,
                                       {},
                                       {}},
                    run_, [this](const std::string& text) {
                      display_.note(text);
                      run_.log(text);
                    }} {
  checkpointer_.use(cluster_);
}

/// Errors of what was given come again, and are no failures of the machine.
template <class Do>
TrainingResult Trainer::counted(Do&& act) {
  try {
    TrainingResult result = act();
    if (!result.goes_on) run_.uptime().end();
    return result;
  } catch (const Error& error) {
    const ExitCode code = error.exit_code();
    if (code != ExitCode::resources && code != ExitCode::internal) run_.uptime().end();
    throw;
  }
}

TrainingResult Trainer::run(const std::optional<ResumePoint>& resume) {
  if (const std::string problem = run_.uptime().begin(); !problem.empty()) display_.warn(problem);
  return counted([&] {
    start(resume);
    return train();
  });
}

TrainingResult Trainer::go_on(Cluster& cluster) {
  return counted([&] {
    cluster_ = &cluster;
    checkpointer_.use(cluster_);
    cluster_->run({comm::CommandKind::load, run_.checkpoints().path_of(epoch_).string(), {}});
    return train();
  });
}

TrainingResult Trainer::train() {
  prepare_epochs(*cluster_, config_);
  cluster_->pause_when(steps_of_pass(),
                       [this] { return !stop_reason().empty() || checkpointer_.due_by_time(); });
  since_asked_.reset();
  while (!finished()) {
    if (const std::string why = stop_reason(); !why.empty()) return stop_early(why);
    const auto workers = train_epoch();
    if (step_ > 0 || !build_anew_ || finished()) continue;
    if (const std::string why = build_anew_(workers); !why.empty()) return hand_over(why);
  }
  return finish();
}

std::string Trainer::stop_reason() {
  if (since_asked_) longest_piece_ = std::max(longest_piece_, since_asked_->seconds());
  since_asked_.emplace();
  if (std::string why = stop_requested_(longest_piece_); !why.empty()) return why;
  const double limit = config_.train.time_limit_minutes * 60;
  return limit > 0 && since_start_.seconds() > limit ? "time limit reached" : "";
}

/// Of cells or mini-batches.
std::uint32_t Trainer::steps_of_pass() const {
  if (!pulls_rows(config_)) return std::max(dataset_.grid().strips(), dataset_.grid().blocks());
  return static_cast<std::uint32_t>(steps_of_epoch(dataset_.interactions(Part::train),
                                                   static_cast<std::uint64_t>(config_.rows.batch)));
}

void Trainer::start(const std::optional<ResumePoint>& resume) {
  const ResumePoint* loaded = resume ? load(*resume) : nullptr;
  if (loaded == nullptr) return start_anew();
  const ResumePoint& point = *loaded;
  epoch_ = point.manifest.epoch;
  step_ = point.manifest.step;
  began_elsewhere_ = step_ > 0;
  checkpointer_.resumed_at(position());
  restore_state(point.manifest.state, rate_, stopping_);
  adopt_best(run_, point.checkpoint, stopping_.state());
  run_.reopen_after(epoch_);
  if (facts_.instruction_set != point.manifest.instruction_set) {
    display_.note(
        fmt::format("warning: the checkpoint was computed with {} kernels, this job has "
                    "{}: the result will not be the same bit for bit",
                    point.manifest.instruction_set, facts_.instruction_set));
  }
  display_.note(fmt::format("resuming after {} from {}", place_text(), point.checkpoint.string()));
  run_.log(fmt::format("resumed after {} from {}", place_text(), point.checkpoint.string()));
}

void Trainer::start_anew() {
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
}

/// The servers verify what they read: only now is it known which checkpoint is whole.
/// @return none if the training is to start anew
const ResumePoint* Trainer::load(const ResumePoint& newest) {
  std::vector<const ResumePoint*> points{&newest};
  for (const ResumePoint& point : newest.older) points.push_back(&point);
  for (std::size_t n = 0;; ++n) {
    try {
      cluster_->run({comm::CommandKind::load, points[n]->checkpoint.string(), {}});
      return points[n];
    } catch (const CheckpointError& error) {
      if (n + 1 == points.size() && !newest.or_anew) throw;
      const std::string text = fmt::format("passing over a damaged checkpoint: {}", error.what());
      display_.warn(text);
      run_.log(text);
      if (n + 1 < points.size()) continue;
      run_.clear();
      return nullptr;
    }
  }
}

bool Trainer::finished() const {
  return epoch_ >= static_cast<std::uint64_t>(config_.train.epochs) || stopping_.should_stop();
}

std::vector<comm::WorkerDone> Trainer::train_epoch() {
  const Doing doing{fmt::format("trains epoch {}", epoch_ + 1)};
  MeasuredEpoch epoch;
  epoch.rate_factor = rate_.factor();
  epoch.squared = !learns_to_rank(config_);
  comm::StartPass pass;
  pass.learning_rate_factor = static_cast<float>(rate_.factor());
  pass.epoch = static_cast<std::uint32_t>(epoch_ + 1);
  pass.first_step = step_;
  pass.cut = checkpointer_.open_cut();
  display_.update(epoch_ + 1, 0);
  pass_epoch(pass.epoch);
  const PassResult part = run_epoch(
      *cluster_, config_, pass, [this](std::uint64_t done) { display_.update(epoch_ + 1, done); });
  add_part(part, so_far_);
  if (part.paused_before) {
    step_ = *part.paused_before;
    if (stop_reason().empty()) save();
    return {};
  }
  epoch.train = std::exchange(so_far_, {});
  step_ = 0;
  if (std::exchange(began_elsewhere_, false)) {
    epoch.updates_elsewhere = epoch.updates();
    const double visits = solves_rows(config_) ? 2 : 1;  // of an interaction
    for (const auto& worker : epoch.train.workers) {
      epoch.updates_elsewhere -= static_cast<double>(worker.interactions) / visits;
    }
  }
  epoch.epoch = ++epoch_;
  end_epoch(epoch);
  return std::move(epoch.train.workers);
}

/// Evaluates, judges, and saves if it is time.
void Trainer::end_epoch(MeasuredEpoch& epoch) {
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
    checkpointer_.finish();
    throw DataError{
        fmt::format("the training diverged in epoch {}: the loss is not finite; lower "
                    "train.learning_rate, now {} times {}",
                    epoch_, config_.train.learning_rate, epoch.rate_factor)};
  }
  rate_.advance({epoch.loss(), epoch.validation && evaluation_due(), epoch.best});
  epoch.saved = checkpointer_.take_saved();
  epoch.checkpoint_seconds = checkpointer_.take_stall();
  record(epoch);  // before the checkpoint: none is without the lines that lead to it
  if (checkpointer_.due(epoch_, epoch.best)) save();
}

PassResult Trainer::evaluate(Part part) {
  const Doing doing{fmt::format("measures {} after epoch {}", part_name(part), epoch_)};
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

void Trainer::save() {
  checkpointer_.save(position(), state_text(rate_, stopping_), best_epoch(stopping_));
}

std::string Trainer::place_text() const {
  return step_ == 0 ? fmt::format("epoch {}", epoch_)
                    : fmt::format("epoch {} and {} steps", epoch_, step_);
}

void Trainer::record(const MeasuredEpoch& epoch) {
  totals_.add(epoch);
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
  save();
  checkpointer_.finish();
  const std::string text =
      fmt::format("{} after {}; continue with --resume auto", reason, place_text());
  display_.note(text);
  run_.log(text);
  return {ExitCode::stopped_early, {}};
}

/// What is known of the rows goes through a checkpoint; all else stays in this object.
TrainingResult Trainer::hand_over(const std::string& reason) {
  save();
  checkpointer_.finish();
  const std::string text = fmt::format("after epoch {} {}", epoch_, reason);
  display_.note(text);
  run_.log(text);
  earlier_message_bytes_ += cluster_->message_bytes();
  cluster_ = nullptr;
  checkpointer_.use(nullptr);
  TrainingResult result;
  result.goes_on = true;
  return result;
}

TrainingResult Trainer::finish() {
  checkpointer_.finish();
  const std::uint64_t model_epoch = choose_epoch();
  if (model_epoch != epoch_) {
    const auto path = run_.checkpoints().path_of(model_epoch);
    static_cast<void>(look_at_checkpoint(path));
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
  name_hot_rows(summary, dataset_, config_.run.store_ids);
  summary["total_seconds"] = since_start_.seconds();
  summary["message_bytes"] = message_bytes();
  run_.write_summary(summary.dump(2) + '\n');
  run_.log(fmt::format("done: model {} sha256 {}", summary["model"].get<std::string>(), digest));
  return {ExitCode::done, summary.dump()};
}

}  // namespace factorps::scheduler

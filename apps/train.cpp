#include <cstdio>
#include <filesystem>
#include <iostream>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/background.hpp"
#include "apps/commands.hpp"
#include "apps/copies.hpp"
#include "apps/inject_faults.hpp"
#include "apps/job.hpp"
#include "apps/job_facts.hpp"
#include "apps/plan_input.hpp"
#include "apps/privacy.hpp"
#include "apps/rebalance.hpp"
#include "apps/start_checks.hpp"
#include "apps/stop_requests.hpp"
#include "apps/stop_signals.hpp"
#include "apps/training.hpp"
#include "apps/watchdog.hpp"
#include "scheduler/plan_record.hpp"
#include "scheduler/resume.hpp"

namespace factorps::apps {
namespace {

void discard_earlier_run(const TrainOptions& options, const scheduler::RunDirectory& run) {
  if (run.holds_unfinished_run() && !options.overwrite) {
    throw ConfigError{
        fmt::format("{}: holds an unfinished training; --resume auto continues it, "
                    "--overwrite discards it",
                    run.path().string())};
  }
  run.clear();
}

/// Where the training starts; what is in its directory and not of it is removed.
std::optional<scheduler::ResumePoint> resume_point(const TrainOptions& options,
                                                   scheduler::RunDirectory& run,
                                                   const Config& config, const Dataset& dataset) {
  if (options.resume == "auto") {
    const auto note = [](const std::string& text) {
      std::fputs(fmt::format("factorps: {}\n", text).c_str(), stderr);
    };
    auto found = scheduler::find_resume_point(run, config, dataset, note);
    if (!found && !run.checkpoints().list().empty() && !options.overwrite) {
      throw CheckpointError{
          fmt::format("{}: no checkpoint can be used; --overwrite discards them "
                      "and starts anew",
                      run.path().string())};
    }
    if (!found) run.clear();
    if (found) found->or_anew = options.overwrite;
    return found;
  }
  if (options.resume.empty()) {
    discard_earlier_run(options, run);
    return std::nullopt;
  }
  std::filesystem::path checkpoint{options.resume};
  if (!checkpoint.has_filename()) checkpoint = checkpoint.parent_path();  // "epoch-000001/"
  const auto point = scheduler::check_resume_point(checkpoint, config, dataset);
  // Checkpoints of an earlier training are none of the one that goes on here.
  if (!run.holds(point.checkpoint)) discard_earlier_run(options, run);
  return point;
}

/// The figures that `factorps inspect RUN` will compare with what happened.
std::string plan_text(const Config& config, const Dataset& dataset, const ps::JobLayout& layout,
                      const JobFindings& findings, const comm::Environment& environment) {
  const auto input = plan_input_of_job(config, dataset, layout, findings, environment);
  return scheduler::plan_record(input, make_plan(input)).dump(2) + '\n';
}

scheduler::ProgressDisplay display_for(const OutputOptions& output, const Config& config,
                                       const Dataset& dataset) {
  using Mode = scheduler::ProgressDisplay::Mode;
  const Mode mode = output.quiet || output.json ? Mode::silent
                    : output.terminal           ? Mode::bar
                                                : Mode::lines;
  return {stderr, mode, output.color, static_cast<std::uint64_t>(config.train.epochs),
          dataset.interactions(Part::train)};
}

/// What rank 0 keeps while the job is built anew around the training.
struct Session {
  Session(const Config& config, const OutputOptions& output, const Dataset& dataset,
          scheduler::JobFacts job_facts)
      : run{config.run.dir},
        facts{std::move(job_facts)},
        display{display_for(output, config, dataset)} {}
  scheduler::RunDirectory run;
  scheduler::JobFacts facts;
  scheduler::ProgressDisplay display;
  std::optional<scheduler::Trainer> trainer;
};

}  // namespace

scheduler::TrainingResult train(const Config& asked, const TrainOptions& options,
                                const comm::Environment& environment) {
  const StopSignals signals{environment.size() == 1};
  const Watchdog watchdog{environment, asked.cluster};
  check_ranks(asked, environment);
  const Dataset dataset = open_dataset(asked, environment);
  ps::JobLayout layout = plan_layout(asked, environment);
  const Config config = decide_background(decide_copies(asked, dataset, layout, environment),
                                          dataset, layout, environment);
  check_machines(config, dataset, layout, environment);
  const Kernels kernels = choose_kernels(config, environment);
  std::optional<JobTrace> trace;
  if (!options.trace.empty()) trace.emplace(options.trace, config.run.dir, environment, layout);
  Rebalance rebalance{config, dataset, layout};
  std::optional<Session> session;
  scheduler::TrainingResult result;
  const auto conduct = [&](scheduler::Cluster& cluster, const JobFindings& findings) {
    if (session) {
      result = session->trainer->go_on(cluster);
      return;
    }
    session.emplace(config, options.output, dataset, facts_of_job(layout, kernels, environment));
    scheduler::RunDirectory& run = session->run;
    const auto resume = resume_point(options, run, config, dataset);
    run.write_config(to_toml(asked));
    run.write_plan(plan_text(config, dataset, layout, findings, environment));
    session->trainer.emplace(config, dataset, session->facts, cluster, run, session->display,
                             stop_requests(config));
    session->trainer->ask_after_epochs(
        [&](std::span<const comm::WorkerDone> workers) { return rebalance.after_epoch(workers); });
    result = session->trainer->run(resume);
  };
  do {
    run_job(config, dataset, layout, kernels, environment, conduct, trace ? &*trace : nullptr);
  } while (rebalance.agree(environment));
  if (trace) trace->write();
  const int code =
      environment.minimum(environment.rank() == 0 ? static_cast<int>(result.exit_code)
                                                  : static_cast<int>(ExitCode::stopped_early));
  result.exit_code = static_cast<ExitCode>(code);
  return result;
}

ExitCode run_train(const TrainOptions& options, comm::Environment& environment) {
  const Config config = load_config(options.config, options.assignments);
  keep_private(config);
  if (!config.faults.inject.empty()) inject_faults(config.faults.inject, environment);
  const auto result = train(config, options, environment);
  if (environment.rank() == 0 && !result.summary.empty()) {
    print_summary(result.summary, options.output);
  }
  return result.exit_code;
}

}  // namespace factorps::apps

#include <iostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/commands.hpp"
#include "apps/text_output.hpp"
#include "apps/training.hpp"
#include "comm/environment.hpp"
#include "scheduler/records.hpp"
#include "scheduler/report/page.hpp"
#include "scheduler/scaling/page.hpp"

namespace factorps::apps {
namespace {

/// @return where it is
std::filesystem::path write_page(const ReportOptions& options, const std::string& page) {
  auto path = options.out.empty() ? options.run / "report.html" : options.out;
  refuse_files_of_run(path, options.run);
  TextOutput out{path};
  out.write(page);
  out.commit();
  return path;
}

ExitCode report_scaling(const ReportOptions& options) {
  const Config config = load_config(options.run / "config.toml");
  const auto summary = scheduler::summarise(config, scheduler::read_records(options.run, config));
  const std::string name = std::filesystem::weakly_canonical(options.run).filename().string();
  const auto path = write_page(options, scheduler::scaling_page(summary, name, to_toml(config)));
  if (options.output.json) {
    std::cout << nlohmann::json{{"report", path.string()}, {"scaling", to_json(summary)}}.dump()
              << '\n';
  } else if (!options.output.quiet) {
    std::cout << fmt::format("report {}\n", path.string());
  }
  return ExitCode::done;
}

}  // namespace

ExitCode run_report(const ReportOptions& options, comm::Environment& environment) {
  if (environment.rank() != 0) return ExitCode::done;
  if (scheduler::is_scaling_directory(options.run)) return report_scaling(options);
  const scheduler::RunRecord run = scheduler::read_run(options.run);
  const auto path = write_page(options, scheduler::report_page(run));
  const nlohmann::json time = scheduler::time_record(run.workers, run.largest_loss);
  if (options.output.json) {
    std::cout << nlohmann::json{{"report", path.string()}, {"time", time}}.dump() << '\n';
  } else if (!options.output.quiet) {
    std::cout << fmt::format("report {}\n", path.string());
    print_time(time);
  }
  return ExitCode::done;
}

}  // namespace factorps::apps

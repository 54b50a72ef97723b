#include <iostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/commands.hpp"
#include "apps/text_output.hpp"
#include "apps/training.hpp"
#include "comm/environment.hpp"
#include "scheduler/records.hpp"
#include "scheduler/report/page.hpp"

namespace factorps::apps {
ExitCode run_report(const ReportOptions& options, comm::Environment& environment) {
  if (environment.rank() != 0) return ExitCode::done;
  const scheduler::RunRecord run = scheduler::read_run(options.run);
  const auto path = options.out.empty() ? options.run / "report.html" : options.out;
  refuse_files_of_run(path, options.run);
  TextOutput out{path};
  out.write(scheduler::report_page(run));
  out.commit();
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

#include "apps/stop_requests.hpp"

#include <array>
#include <chrono>
#include <cstdlib>
#include <string>

#include "apps/stop_signals.hpp"
#include "common/timer.hpp"
#include "scheduler/stop_reason.hpp"

namespace factorps::apps {
namespace {

std::optional<std::int64_t> end_of_allocation() {
  constexpr std::array names{"FACTORPS_END_TIME", "SLURM_JOB_END_TIME"};
  for (const char* name : names) {
    if (const char* text = std::getenv(name)) return scheduler::parse_end_time(name, text);
  }
  return std::nullopt;
}

/// Seconds since 1970.
double now() { return Seconds{std::chrono::system_clock::now().time_since_epoch()}.count(); }

}  // namespace

std::filesystem::path stop_file(const Config& config) { return config.run.dir / "stop"; }

scheduler::Trainer::StopRequested stop_requests(const Config& config) {
  const scheduler::StopConditions conditions{stop_file(config), end_of_allocation(),
                                             config.train.reserve_seconds};
  return [conditions](double epoch_seconds) -> std::string {
    if (StopSignals::requested()) return "asked to stop";
    return scheduler::stop_reason(conditions, now(), epoch_seconds);
  };
}

}  // namespace factorps::apps

#include "apps/stop_requests.hpp"

#include <array>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>

#include "apps/stop_signals.hpp"
#include "common/timer.hpp"
#include "scheduler/stop_reason.hpp"

namespace factorps::apps {
namespace {

// Seconds. A pass asks at every message, and the file may lie on another machine.
constexpr double kBetweenLooks = 0.01;

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
  return [conditions, since = std::optional<Stopwatch>{}](double epoch_seconds) mutable {
    if (StopSignals::requested()) return std::string{"asked to stop"};
    if (since && since->seconds() < kBetweenLooks) return std::string{};
    since.emplace();
    return scheduler::stop_reason(conditions, now(), epoch_seconds);
  };
}

}  // namespace factorps::apps

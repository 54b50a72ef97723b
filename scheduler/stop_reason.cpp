#include "scheduler/stop_reason.hpp"

#include <charconv>
#include <system_error>

#include <fmt/format.h>

#include "common/error.hpp"

namespace factorps::scheduler {

std::string stop_reason(const StopConditions& conditions, double now, double epoch_seconds) {
  std::error_code ignored;  // a directory that cannot be read asks for nothing
  if (std::filesystem::exists(conditions.file, ignored)) {
    return fmt::format("asked to stop by {}", conditions.file.string());
  }
  if (!conditions.allocation_end) return {};
  const double left = static_cast<double>(*conditions.allocation_end) - now;
  if (left >= epoch_seconds + conditions.reserve_seconds) return {};
  return fmt::format(
      "the allocation ends in {:.0f} s: too short for what may take {:.3g} s and a reserve of "
      "{:.0f} s; stopped",
      left, epoch_seconds, conditions.reserve_seconds);
}

std::int64_t parse_end_time(std::string_view name, std::string_view text) {
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc{} || end != text.data() + text.size() || seconds < 0) {
    throw ConfigError{
        fmt::format("{} = \"{}\": expected seconds since 1970, a whole number", name, text)};
  }
  return seconds;
}

}  // namespace factorps::scheduler

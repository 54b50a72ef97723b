/// Why a training ends between two epochs, with a checkpoint, before it is finished.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace factorps::scheduler {

/// What is looked at besides signals.
struct StopConditions {
  std::filesystem::path file;                  ///< somebody makes it: stop
  std::optional<std::int64_t> allocation_end;  ///< seconds since 1970; none: never
  double reserve_seconds = 0;                  ///< to be free before the allocation ends
};

/// @param now seconds since 1970
/// @param epoch_seconds what the next epoch may take, with its evaluation and checkpoint
/// @return empty: go on
[[nodiscard]] std::string stop_reason(const StopConditions& conditions, double now,
                                      double epoch_seconds);

/// @param name of where the text comes from
/// @param text seconds since 1970
/// @throws ConfigError
[[nodiscard]] std::int64_t parse_end_time(std::string_view name, std::string_view text);

}  // namespace factorps::scheduler

/// What an interaction of some type counts: data.event_weights.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace factorps {

struct EventWeight {
  std::string name;
  float weight = 1;
};

/// Reads "name=weight"; the weight is any finite number.
[[nodiscard]] std::optional<EventWeight> parse_event_weight(std::string_view text);

/// @throws ConfigError if a text is none
[[nodiscard]] std::vector<EventWeight> parse_event_weights(const std::vector<std::string>& texts);

}  // namespace factorps

#include "io/event_weight.hpp"

#include <fmt/format.h>

#include "common/error.hpp"
#include "io/text/number.hpp"

namespace factorps {

std::optional<EventWeight> parse_event_weight(std::string_view text) {
  const std::size_t equals = text.rfind('=');
  if (equals == std::string_view::npos || equals == 0) return std::nullopt;
  const auto weight = finite_float(text.substr(equals + 1));
  if (!weight) return std::nullopt;
  return EventWeight{std::string{text.substr(0, equals)}, *weight};
}

std::vector<EventWeight> parse_event_weights(const std::vector<std::string>& texts) {
  std::vector<EventWeight> weights;
  for (const std::string& text : texts) {
    auto weight = parse_event_weight(text);
    if (!weight)
      throw ConfigError{
          fmt::format("data.event_weights has \"{}\", expected \"name=weight\"", text)};
    weights.push_back(std::move(*weight));
  }
  return weights;
}

}  // namespace factorps

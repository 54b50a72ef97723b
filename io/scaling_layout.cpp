#include "io/scaling_layout.hpp"

#include <charconv>
#include <utility>

#include <fmt/core.h>

namespace factorps {
namespace {

/// A whole number up to 65536 without sign or leading zero.
std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool plain = text == "0" || (!text.empty() && text.front() > '0' && text.front() <= '9');
  constexpr int kMost = 65536;
  if (error != std::errc{} || end != text.data() + text.size() || !plain || value > kMost) {
    return std::nullopt;
  }
  return value;
}

/// The numbers on both sides of `separator`.
std::optional<std::pair<int, int>> two_numbers(std::string_view text, char separator) {
  const std::size_t at = text.find(separator);
  if (at == std::string_view::npos) return std::nullopt;
  const auto first = number(text.substr(0, at));
  const auto second = number(text.substr(at + 1));
  if (!first || !second) return std::nullopt;
  return std::pair{*first, *second};
}

}  // namespace

std::string ScalingLayout::name() const {
  const std::string text = fmt::format("{}x{}", nodes, workers);
  return servers == 1 ? text : fmt::format("{}s{}", text, servers);
}

std::optional<ScalingLayout> parse_scaling_layout(std::string_view text) {
  const std::size_t at = text.find('s');
  const auto sides = two_numbers(text.substr(0, at), 'x');
  const auto servers = at == std::string_view::npos ? 1 : number(text.substr(at + 1));
  if (!sides || !servers) return std::nullopt;
  const ScalingLayout layout{sides->first, sides->second, *servers};
  if (layout.nodes == 0 || layout.workers == 0) return std::nullopt;
  if (layout.servers == 0 && layout.workers != 1) return std::nullopt;
  return layout;
}

std::optional<GridSize> parse_grid_size(std::string_view text) {
  const auto sides = two_numbers(text, 'x');
  if (!sides || sides->first == 0 || sides->second == 0) return std::nullopt;
  return GridSize{sides->first, sides->second};
}

}  // namespace factorps

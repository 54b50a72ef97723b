#include "scheduler/bit_rate.hpp"

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "common/error.hpp"

namespace factorps::scheduler {
namespace {

/// Lower case, without blanks and the "/s" at the end.
std::string unit_name(std::string_view text) {
  std::string unit;
  for (const char c : text) {
    if (c != ' ') unit += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  if (unit.ends_with("/s")) unit.resize(unit.size() - 2);
  return unit;
}

std::optional<double> factor_of(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, double>, 6> units{
      {{"", 1}, {"bit", 1}, {"kbit", 1e3}, {"mbit", 1e6}, {"gbit", 1e9}, {"tbit", 1e12}}};
  const std::string name = unit_name(text);
  for (const auto& [unit, factor] : units) {
    if (unit == name) return factor;
  }
  return std::nullopt;
}

}  // namespace

double parse_bit_rate(std::string_view text, std::string_view place) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto factor = factor_of(text.substr(static_cast<std::size_t>(end - text.data())));
  if (error != std::errc{} || !factor || !std::isfinite(number) || number <= 0) {
    throw ConfigError{
        fmt::format("{} \"{}\": expected bits per second above 0, as in 10Gbit, 800Mbit or 2.5e9",
                    place, text)};
  }
  return number * *factor;
}

}  // namespace factorps::scheduler

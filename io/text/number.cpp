#include "io/text/number.hpp"

#include <charconv>
#include <cmath>
#include <system_error>

namespace factorps {
namespace {

template <class T>
std::optional<T> whole_field(std::string_view text) noexcept {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

template <class T>
std::optional<T> finite(std::string_view text) noexcept {
  const auto value = whole_field<T>(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

}  // namespace

std::optional<std::int64_t> canonical_integer(std::string_view text) noexcept {
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  if (digits.empty()) return std::nullopt;
  if (digits.front() == '0' && text.size() > 1) return std::nullopt;  // 007, -0
  return whole_field<std::int64_t>(text);
}

std::optional<float> finite_float(std::string_view text) noexcept { return finite<float>(text); }

std::optional<double> finite_double(std::string_view text) noexcept { return finite<double>(text); }

}  // namespace factorps

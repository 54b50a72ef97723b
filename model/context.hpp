/// What of a moment can be a feature, in UTC.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace factorps {

enum class ContextKind : std::uint8_t {
  weekday,  ///< 0 is Monday
  month,    ///< 0 is January
  hour      ///< 0 to 23
};

[[nodiscard]] std::optional<ContextKind> context_from(std::string_view name) noexcept;
[[nodiscard]] const char* name_of(ContextKind kind) noexcept;
/// How many values it has.
[[nodiscard]] std::size_t size_of(ContextKind kind) noexcept;
/// Below size_of(kind). @param time unix seconds
[[nodiscard]] std::uint32_t context_value(ContextKind kind, std::int64_t time) noexcept;
/// Its name. @param value below size_of(kind)
[[nodiscard]] std::string_view context_text(ContextKind kind, std::uint32_t value);

}  // namespace factorps

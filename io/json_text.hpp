/// JSON that was read from a file. Whoever wrote it, it must not end the process: copying,
/// comparing and printing a value of nlohmann_json recurse as deep as it is nested, and its numbers
/// become integers by a cast.
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace factorps {

/// Deepest nesting of lists and objects; our own files have five.
inline constexpr int kMostJsonDepth = 64;

/// A value of kind `discarded` if the text is no JSON or is nested deeper than that.
[[nodiscard]] nlohmann::json parse_json(std::string_view text);
/// The same; objects keep their order.
[[nodiscard]] nlohmann::ordered_json parse_ordered_json(std::string_view text);

/// A member that must be a whole number from 0 to `most`.
/// @throws DataError naming the member, what it is and what was expected
[[nodiscard]] std::uint64_t natural_at(const nlohmann::json& object, const char* key,
                                       std::uint64_t most = ~std::uint64_t{0});
/// The same, as far as T reaches.
template <class T>
[[nodiscard]] T natural_at(const nlohmann::json& object, const char* key) {
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<T>::max());
  return static_cast<T>(natural_at(object, key, kMost));
}

}  // namespace factorps

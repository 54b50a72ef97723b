/// "Did you mean ...?" for names that somebody mistyped.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace factorps {

/// Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`: the
/// restricted Damerau-Levenshtein distance. O(|a| |b|) time.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate closest to `name`, the first of several; none if no candidate is so close that
/// it is plausible, i.e. within a third of its length, or 2 for short names.
[[nodiscard]] std::optional<std::string_view> nearest_name(
    std::string_view name, std::span<const std::string_view> candidates);

}  // namespace factorps

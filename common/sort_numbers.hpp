/// Sorting of many plain numbers, where a comparison sort would be felt.
#pragma once

#include <cstdint>
#include <span>

namespace factorps {

/// Ascending. Lists that are sorted already take one look.
void sort_numbers(std::span<std::uint64_t> numbers);

}  // namespace factorps

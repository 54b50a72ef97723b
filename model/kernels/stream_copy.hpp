/// Copies of rows that nobody reads soon.
#pragma once

#include <cstddef>
#include <span>

namespace factorps {

/// As memcpy, but past the caches: it neither reads what it overwrites nor drives out what the
/// thread works on. What was copied is visible to whoever acquires what the thread releases next.
/// @param to not in the way of `from`
void stream_copy(std::span<const std::byte> from, std::byte* to) noexcept;

}  // namespace factorps

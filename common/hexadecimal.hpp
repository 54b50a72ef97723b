/// Digests as text.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace factorps {

/// Two lower-case digits per byte.
[[nodiscard]] std::string hexadecimal(std::span<const std::byte> bytes);

}  // namespace factorps

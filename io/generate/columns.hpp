/// Columns of RandomStream(seed, Purpose::generate). Column 0 shuffles the items. Changing a value
/// changes every generated file.
#pragma once

#include <cstdint>

namespace factorps::columns {

inline constexpr std::uint32_t kActivity = 1;          // row: user
inline constexpr std::uint32_t kUserState = 2;         // row: user; seeds that user's draws
inline constexpr std::uint32_t kUserBias = 3;          // row: user
inline constexpr std::uint32_t kItemBias = 4;          // row: item
inline constexpr std::uint32_t kUserFactor = 0x10000;  // row: user; plus the factor
inline constexpr std::uint32_t kItemFactor = 0x20000;  // row: item; plus the factor

}  // namespace factorps::columns

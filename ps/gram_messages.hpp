/// Parts of Gram matrices on their way to other nodes: of each row what is stored of it, a few rows
/// in a message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ps/als_tables.hpp"
#include "ps/stream_map.hpp"

namespace factorps::ps {

/// The bodies of all messages with a part.
[[nodiscard]] std::vector<std::vector<std::byte>> gram_messages(const GramSums& sums, Side side,
                                                                std::uint32_t part);
/// How many bytes they have together.
[[nodiscard]] std::uint64_t gram_message_bytes(const GramSums& sums);

/// Puts what came where it belongs. @return rows of the part
/// @throws ProtocolError if it is no such message
std::uint64_t take_gram_message(std::span<const std::byte> body, const GramSums& users,
                                const GramSums& items);

}  // namespace factorps::ps

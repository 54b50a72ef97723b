/// What one share of the raw files holds: the unit that ranks parse and rank 0 merges.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "io/column.hpp"
#include "io/prepare/id_collector.hpp"

namespace factorps {

/// Interactions as columns of equal length.
struct Rows {
  Column<std::uint32_t> users;  // [row] number in a chunk's ids, later a dense id
  Column<std::uint32_t> items;  // [row]
  Column<float> values;         // [row]
  Column<std::int64_t> times;   // [row] unix seconds, or empty if no step needs them
  [[nodiscard]] std::size_t size() const noexcept { return users.size(); }
};

/// Rows that could not be used.
struct BadRows {
  static constexpr std::size_t kShown = 5;
  std::uint64_t count = 0;
  std::vector<std::string> first;  // "file:line: what", at most kShown
};

/// Good rows that were left out because the config says so.
struct SkippedRows {
  std::uint64_t weight_0 = 0;  ///< of an event that counts nothing
  std::uint64_t no_user = 0;   ///< without the id of a user
};

/// A share's rows in the order of the files.
struct Chunk {
  CollectedIds users;
  CollectedIds items;
  Rows rows;
  std::uint64_t source_rows = 0;  ///< rows from data.source; those from data.test follow
  std::uint64_t lines = 0;        ///< read, without headers and empty lines
  BadRows bad;
  SkippedRows skipped;
  std::string failure;  ///< why reading stopped, or empty
};

/// For the way to another rank.
[[nodiscard]] std::vector<std::byte> to_bytes(const Chunk& chunk);
/// @throws ProtocolError if sizes do not match
[[nodiscard]] Chunk chunk_from_bytes(std::span<const std::byte> bytes);
/// What merge_chunks() relies on. @throws ProtocolError if a number has no id or counts do not
/// match
void check_received(const Chunk& chunk);

}  // namespace factorps

/// Rows and what belongs to them, as they travel and lie in mailboxes: sections, each of one table,
///   {table u32, wide u32, count u64}, row u64 [count] ascending, f32 or (wide) f64 [count x width]
/// A wide section holds sums of several gradients (common/exact_sum.hpp). Without values it asks
/// for rows. Never an archive: what arrives is used where it lies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ps/rows/row_layout.hpp"

namespace factorps::ps {

/// Goes first in everything that is pulled or pushed.
struct RowHeader {
  std::uint64_t step = 0;      ///< of the worker, since the start of the job
  std::uint64_t examples = 0;  ///< push: of all workers in this step
  std::uint64_t bytes = 0;     ///< of the sections
  double rate_factor = 1;      ///< push: of the learning rate
  std::uint64_t last = 1;      ///< push: of the messages of a step, ends it
  std::uint64_t offset = 0;    ///< push: where its sections begin in the mailbox of the node
};

enum class RowValues : std::uint32_t { narrow = 0, wide = 1, none = 2 };

struct RowSection {
  std::uint32_t table = 0;
  RowValues kind = RowValues::none;
  std::span<const std::uint64_t> rows;
  const std::byte* values = nullptr;
};

/// Bytes of one value of a section.
[[nodiscard]] std::size_t value_bytes(RowValues kind) noexcept;
/// Bytes of a section, a multiple of eight.
[[nodiscard]] std::size_t section_bytes(RowValues kind, std::size_t width,
                                        std::uint64_t rows) noexcept;

/// Bytes of pushes in messages, without their headers. @param bytes of all of them in one each
[[nodiscard]] std::size_t room_for_pieces(std::size_t bytes, std::size_t pushes,
                                          std::size_t message_bytes) noexcept;

/// @param bytes aligned to eight
/// @throws ProtocolError if they are not exactly whole sections of these tables
[[nodiscard]] std::vector<RowSection> read_sections(std::span<const std::byte> bytes,
                                                    const std::vector<RowTable>& tables);

/// Room for a section that is being written.
struct OpenSection {
  std::uint64_t* rows = nullptr;
  std::byte* values = nullptr;
};
/// Begins a section of `rows` rows at `at` and moves `at` behind it.
[[nodiscard]] OpenSection open_section(std::byte*& at, std::uint32_t table, RowValues kind,
                                       std::size_t width, std::uint64_t rows);

}  // namespace factorps::ps

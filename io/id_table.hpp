/// External ids: the names that users and items have outside, one per table row.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/hdf5.hpp"

namespace factorps {

/// Row -> external id, and back. Ids are 64-bit integers if every one of them is the canonical
/// decimal text of one (no sign +, no leading zeros), else byte strings. Immutable.
class IdTable {
 public:
  IdTable() = default;
  [[nodiscard]] static IdTable of_integers(std::vector<std::int64_t> ids);
  /// Row r has bytes[offsets[r] .. offsets[r + 1]). offsets has one element more than rows.
  [[nodiscard]] static IdTable of_strings(std::vector<std::uint64_t> offsets, std::string bytes);

  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] bool integers() const noexcept { return is_integer_; }
  /// The id of `row` as text.
  [[nodiscard]] std::string text(std::uint64_t row) const;
  /// The row with this id. The first call builds an index; not thread-safe.
  [[nodiscard]] std::optional<std::uint64_t> find(std::string_view id) const;
  /// A table whose row r has the id of rows[r] of this one.
  [[nodiscard]] IdTable select(const std::vector<std::uint32_t>& rows) const;

  /// Writes <group>/ids (i64) or <group>/id_offsets (u64) and <group>/id_bytes (u8).
  void write(h5::File& file, const std::string& group) const;
  /// @throws DataError if the offsets do not ascend inside the bytes
  [[nodiscard]] static IdTable read(const h5::File& file, const std::string& group);

 private:
  bool is_integer_ = true;
  std::vector<std::int64_t> integers_;  // [row]
  std::vector<std::uint64_t> offsets_;  // [row], plus the end
  std::string bytes_;
  mutable std::vector<std::uint64_t> order_;  // rows in ascending order of their ids, once needed

  [[nodiscard]] std::string_view view(std::uint64_t row) const;
};

}  // namespace factorps

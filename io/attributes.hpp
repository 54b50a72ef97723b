/// What is known of users or items besides their interactions: categories, tags, numbers.
///
/// In dataset.h5 each is a group /users/attributes/NAME or /items/attributes/NAME
/// (docs/formats.md):
///
///   attribute kind = "category" | "tags" | "number"
///   category, tags: value_offsets u64 [values + 1], value_bytes u8  (distinct texts, ascending)
///                   offsets u64 [rows + 1], codes u32  (which values each row has, ascending)
///   number:         numbers f32 [rows]  (NaN: unknown)
///
/// Every dataset carries the attribute checksum, XXH3-64 of its bytes. The fingerprint of the
/// dataset does not cover them: only `fm` depends on them, and says so itself.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/hdf5.hpp"

namespace factorps {

enum class AttributeKind : std::uint8_t {
  category,  ///< one text, or none
  tags,      ///< any number of texts
  number
};
[[nodiscard]] const char* kind_name(AttributeKind kind) noexcept;

/// One attribute of all users or all items.
struct Attribute {
  std::string name;
  AttributeKind kind = AttributeKind::category;
  // category, tags
  std::vector<std::string> values;     // distinct, ascending by bytes, not empty
  std::vector<std::uint64_t> offsets;  // [row], plus the end: first of its codes
  std::vector<std::uint32_t> codes;    // positions in values; those of a row ascend
  // number
  std::vector<float> numbers;  // [row] finite; NaN: unknown

  [[nodiscard]] std::uint64_t rows() const noexcept {
    return kind == AttributeKind::number ? numbers.size() : offsets.size() - 1;
  }
  /// Values of a row, as positions in `values`. Not for numbers.
  [[nodiscard]] std::span<const std::uint32_t> codes_of(std::uint64_t row) const {
    return std::span{codes}.subspan(offsets[row], offsets[row + 1] - offsets[row]);
  }
  [[nodiscard]] bool known(std::uint64_t row) const;
  /// Rows with a value.
  [[nodiscard]] std::uint64_t known_rows() const;
};

/// Why `name` cannot be the name of an attribute, or an empty text.
[[nodiscard]] std::string problem_of_attribute_name(std::string_view name);

/// @param table "/users" or "/items"
void write_attribute(h5::File& file, const std::string& table, const Attribute& attribute);
/// Ascending.
[[nodiscard]] std::vector<std::string> attribute_names(const h5::File& file,
                                                       const std::string& table);
/// Reads all of one, checksums and contents checked.
/// @param rows that it must have
/// @throws DataError naming the object
[[nodiscard]] Attribute read_attribute(const h5::MappedFile& map, const std::string& table,
                                       const std::string& name, std::uint64_t rows);

}  // namespace factorps

/// Files of attributes of users or items, for the rows of a dataset.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/attributes.hpp"
#include "io/config.hpp"
#include "io/id_key.hpp"

namespace factorps {

/// What reading files of attributes came to.
struct AttributeCounts {
  std::uint64_t lines = 0;         ///< without headers and empty lines
  std::uint64_t strangers = 0;     ///< of them with an id that the dataset does not have
  std::uint64_t repeated = 0;      ///< of them that say the same as an earlier one
  std::uint64_t rows = 0;          ///< of the dataset
  std::uint64_t rows_without = 0;  ///< of them without a line
};

struct AttributeTable {
  std::vector<Attribute> attributes;  // in the order of their names
  AttributeCounts counts;
};

/// Reads headers only, so that a mistake in the config shows before the work begins.
/// @param table "users" or "items"
/// @throws DataError if a file cannot be read or has no column of a name, "file:line: what"
void check_attribute_files(const AttributeFilesConfig& files, const std::string& table);

/// Reads the files, if there are any. Nothing of what it returns depends on the order of lines, as
/// long as ids are distinct.
/// @param ids of the rows
/// @throws DataError "file:line: what" for lines with another number of fields than the header, no
/// id, or something that is no number, and if two lines of an id differ in a column that is read
[[nodiscard]] AttributeTable read_attribute_files(const AttributeFilesConfig& files,
                                                  const std::string& table, const IdFinder& ids);

}  // namespace factorps

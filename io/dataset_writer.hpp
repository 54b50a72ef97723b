/// Writes dataset.h5 (io/dataset.hpp) from interactions in memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "io/column.hpp"
#include "io/dataset.hpp"

namespace factorps {

/// Interactions of all parts in row numbers, in any order. All columns have the same length.
struct PartitionedInteractions {
  Column<std::uint32_t> users;      // [interaction] user row
  Column<std::uint32_t> items;      // [interaction] item row
  Column<float> values;             // [interaction] normalised, finite
  Column<Part> parts;               // [interaction]
  Column<std::int64_t> times = {};  // [interaction] unix seconds; or none, for all
};

/// Everything a dataset holds.
struct DatasetContents {
  IdTable user_ids;                        // [user row]
  IdTable item_ids;                        // [item row]
  std::vector<Attribute> user_attributes;  // of distinct names, with as many rows as there are ids
  std::vector<Attribute> item_attributes;
  Grid grid;
  Normalisation normalisation;
  PartitionedInteractions interactions;
  float value_min = 0;  ///< original units
  float value_max = 0;
  std::uint64_t seed = 0;
  std::string summary = "{}";  ///< JSON
};

/// Training interactions per row.
/// @param rows row of each interaction; @param num_rows above every one of them
[[nodiscard]] std::vector<std::uint32_t> train_counts(const Column<std::uint32_t>& rows,
                                                      const Column<Part>& parts,
                                                      std::uint64_t num_rows);

/// Sorts the interactions into cells and writes them under a temporary name, then renames, so
/// `path` is never half written. The file does not depend on the order of the interactions.
/// Extra memory: about 16 bytes for each interaction of the largest part.
/// @param threads that sort; they do not change the file
/// @return the fingerprint
/// @throws ResourceError if the file cannot be written
std::string write_dataset(const std::filesystem::path& path, const DatasetContents& contents,
                          std::uint32_t threads = 1);

}  // namespace factorps

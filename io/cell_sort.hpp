/// Interactions in the order of the file: strip, block, user, item.
#pragma once

#include <cstdint>
#include <vector>

#include "io/dataset_writer.hpp"

namespace factorps {

/// One part of a dataset, laid out as /train and its sisters in the file.
struct PartImage {
  Column<Run> runs;
  Column<std::uint16_t> items;
  Column<std::uint8_t> codes;                // if narrow
  Column<float> values;                      // if not
  Column<std::int64_t> times;                // if there are any
  std::vector<std::uint64_t> cell_runs;      // [cell], plus the end
  std::vector<std::uint64_t> cell_begin;     // [cell], plus the end
  std::vector<std::uint64_t> cell_checksum;  // [cell]
};

/// Sorts the interactions of `part` into the cells of `grid`. Equal pairs of user and item stay,
/// in ascending order of the bits of their values, then by time, so the result does not depend on
/// the order of the input.
[[nodiscard]] PartImage sort_into_cells(const PartitionedInteractions& interactions, Part part,
                                        const Grid& grid, const ValueCode& code,
                                        std::uint32_t threads = 1);

}  // namespace factorps

/// Chunks of all ranks become one list of rows with dense ids.
#pragma once

#include <vector>

#include "io/id_table.hpp"
#include "io/prepare/chunk.hpp"

namespace factorps {

/// All rows in the order of the files. Users and items are numbered in the order of their external
/// ids (integers by value, otherwise by bytes), so the numbers do not depend on how files were cut.
struct RawInteractions {
  IdTable user_ids;
  IdTable item_ids;
  Rows rows;
  std::uint64_t source_rows = 0;  ///< the first rows; those of data.test follow
  std::uint64_t lines = 0;
  BadRows bad;
  SkippedRows skipped;
};

/// @param chunks of shares 0, 1, ...; consumed
/// @param max_bad_rows of all chunks together
/// @param threads that copy; they do not change the result
/// @throws DataError if a chunk failed, there are too many bad rows, or no row at all
[[nodiscard]] RawInteractions merge_chunks(std::vector<Chunk> chunks, std::uint64_t max_bad_rows,
                                           std::uint32_t threads = 1);

}  // namespace factorps

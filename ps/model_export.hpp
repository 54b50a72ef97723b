/// From the tables of the nodes to model.h5.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "io/dataset.hpp"
#include "io/model_file.hpp"
#include "io/shard_file.hpp"
#include "ps/tables.hpp"

namespace factorps::ps {

/// Gives the rows of one strip or block at a time; valid until the next call.
using RowSource = std::function<RowsView(RowsKind kind, std::uint32_t index)>;
/// All rows are in this node's memory. @param tables must outlive the source
[[nodiscard]] RowSource rows_in_memory(const Tables& tables);
/// Rows of several nodes, saved by their servers. @param grid must outlive the source
[[nodiscard]] RowSource rows_in_files(const std::vector<std::filesystem::path>& shards,
                                      const Grid& grid, std::size_t dim);

/// What a model may hold of the people it was trained on, besides their rows.
struct StoredParts {
  bool seen = true;      ///< each user's training items
  bool user_ids = true;  ///< else rows have names that say nothing (row_names())
  bool item_ids = true;
};

/// Writes RUN/model.h5 by way of a temporary file. Memory: a few thousand rows and the id tables,
/// from files one strip or block besides.
/// @param info kind, dim, mu and layers; the dataset says the rest
/// @param provenance JSON text for the model
/// @return the SHA-256 of the model
std::string export_model(const RowSource& rows, ModelInfo info, const Dataset& dataset,
                         const std::filesystem::path& run, const std::string& provenance,
                         const StoredParts& stored);

}  // namespace factorps::ps

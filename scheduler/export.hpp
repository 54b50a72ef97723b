/// The end of a training: model.h5.
#pragma once

#include <string>

#include "scheduler/cluster.hpp"
#include "scheduler/run_directory.hpp"

namespace factorps::scheduler {

/// Server 0 writes the model. Rows of other nodes reach it as files, a strip or block at a time, so
/// that no rank holds a whole table.
/// @param provenance JSON text, kept in the model
/// @return SHA-256 of the model
[[nodiscard]] std::string export_model(Cluster& cluster, const RunDirectory& run, int nodes,
                                       const std::string& provenance);

}  // namespace factorps::scheduler

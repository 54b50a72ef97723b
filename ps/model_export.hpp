/// From the tables of a node to model.h5.
#pragma once

#include <filesystem>
#include <string>

#include "io/dataset.hpp"
#include "ps/tables.hpp"

namespace factorps::ps {

/// Writes RUN/model.h5 by way of a temporary file. Memory: a few thousand rows and the id tables.
/// @param provenance JSON text for the model
/// @return the SHA-256 of the model
std::string export_model(const Tables& tables, const Dataset& dataset,
                         const std::filesystem::path& run, const std::string& provenance, double mu,
                         bool store_seen);

}  // namespace factorps::ps

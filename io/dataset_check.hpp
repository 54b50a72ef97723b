/// Whether a dataset is what was written: everything in it that has a redundant twin.
#pragma once

#include "io/dataset.hpp"

namespace factorps {

/// Reads all of it: cells and attributes against their checksums, training counts and mean against
/// the cells, ids, grid, normalisation and values against the fingerprint. (Opening has checked
/// sizes and boundaries.)
/// @throws DataError naming the first object that does not match
void verify_all(const Dataset& dataset);

}  // namespace factorps

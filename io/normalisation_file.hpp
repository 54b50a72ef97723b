/// The group /normalisation, the same in dataset.h5 and model.h5: attribute by = "global" | "user"
/// | "item"; offset f32 [n], scale f32 [n], n being 1, the users or the items.
#pragma once

#include "io/hdf5.hpp"
#include "model/normalisation.hpp"

namespace factorps {

void write_normalisation(h5::File& file, const Normalisation& normalisation);
/// @throws DataError if a length or a value cannot be right (scale 0, not finite)
[[nodiscard]] Normalisation read_normalisation(const h5::File& file, std::uint64_t users,
                                               std::uint64_t items);

}  // namespace factorps

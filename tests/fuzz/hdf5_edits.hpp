/// HDF5 files that are whole as HDF5 files but not what they should be: what our readers must
/// refuse. The format's own damage is the business of the target hdf5_bytes.
#pragma once

#include <functional>
#include <string>

#include "tests/fuzz/target.hpp"

namespace factorps::fuzz {

/// The bytes of a file that `write` writes to a path.
[[nodiscard]] std::string bytes_of(const std::function<void(const std::filesystem::path&)>& write);

/// Changes a good file as an input says: objects and attributes are removed, exchanged, linked
/// elsewhere, given other types, shapes, layouts and contents; checksums are made right again, if
/// the input wants it, so that what lies behind them is met.
void edit(const std::filesystem::path& file, Input& input);

}  // namespace factorps::fuzz

/// Initial factors, independent of the layout of the job.
#pragma once

#include <cstdint>
#include <span>

#include "common/random.hpp"

namespace factorps {

/// Fills one row: each factor is about normal with mean 0 and standard deviation `std`, a pure
/// function of (seed, table, row, column). The sum of four uniform numbers (Irwin and Hall 1927)
/// stands for the normal: no libm, so the same bits on every machine.
/// @param row dim floats
/// @param index row number in the dataset
void initial_row(std::span<float> row, std::uint64_t index, std::uint64_t seed, Purpose table,
                 float std);

}  // namespace factorps

/// Products of long matrices, added up in place, a square at a time.
#pragma once

#include <cstddef>

#include "model/kernels/sgd_kernel.hpp"

namespace factorps {

inline constexpr std::size_t kProductStrip = 32;  ///< columns; a multiple of kRowMultiple

/// sums(i, j) += sum over k < depth of a(k, i) b(k, j), each in ascending order of k, for the
/// kProductStrip x kProductStrip first numbers of `sums`.
///
/// Both factors are row-major, depth x kProductStrip, so that a product reads memory in one go.
/// All is aligned to 64 bytes. @param stride floats from one row of `sums` to the next
using AddProducts = void (*)(const float* a, const float* b, std::size_t depth, float* sums,
                             std::size_t stride);

/// Of one instruction set. Bits differ between those that multiply and add in one step and others.
[[nodiscard]] AddProducts add_products_of(InstructionSet set);

/// In plain loops: what tests compare with.
void add_products_reference(const float* a, const float* b, std::size_t depth, float* sums,
                            std::size_t stride);

}  // namespace factorps

/// The inner loops of the optimizers of rows (model/optimizer.hpp has the formulas).
///
/// Numbers of a row are computed alone, by operations that every instruction set rounds alike:
/// multiply, add, divide, square root, and no fused ones. Sums of squares have one shape: column c
/// is added to sum c % 16, and the sixteen are folded in halves.
#pragma once

#include <cstddef>

#include "model/optimizer.hpp"

namespace factorps {

/// @param record [width values | state] @param gradient [width], apart from the record
using StepRow = void (*)(const OptimizerOptions& options, float rate, float* record,
                         std::size_t width, const float* gradient);

/// What a gradient makes of its row: the functions of RowOptimizer with these names.
struct RowSteps {
  StepRow step;
  StepRow add;
  StepRow add_late;
};

/// Of one instruction set; the results are the same in all. @param set one of usable_kernels()
[[nodiscard]] RowSteps row_steps_of(InstructionSet set, OptimizerKind kind);

/// In plain loops: what tests compare with, and what runs on a CPU without SSE4.
[[nodiscard]] RowSteps row_steps_reference(OptimizerKind kind);

/// By what a gradient of this squared length is multiplied.
[[nodiscard]] float clip_factor(const OptimizerOptions& options, float squares) noexcept;

}  // namespace factorps

/// Exponentials and logarithms that do not depend on the C library: only operations that are
/// rounded exactly, in one order.
#pragma once

namespace factorps {

/// exp(x) for x <= 0, within 4e-16 of it; 0 below -700.
[[nodiscard]] double exp_of_negative(double x) noexcept;

/// 1 / (1 + exp(-x))
[[nodiscard]] double sigmoid(double x) noexcept;

/// log(1 + exp(x)), without overflow.
[[nodiscard]] double softplus(double x) noexcept;

}  // namespace factorps

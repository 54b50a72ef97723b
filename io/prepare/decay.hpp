/// Values that lose weight with time.
#pragma once

#include "io/prepare/grouped.hpp"

namespace factorps {

/// Multiplies the value of every training row by 2^(-age / half-life); the age is measured from the
/// latest training row, so it tells nothing of other parts, whose values stay. Needs times.
void decay_values(GroupedRows& data, double half_life_days);

}  // namespace factorps

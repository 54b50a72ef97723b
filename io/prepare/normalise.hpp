/// Normalisation learnt from the training rows and applied to all.
#pragma once

#include <string_view>

#include "io/prepare/grouped.hpp"
#include "model/normalisation.hpp"

namespace factorps {

/// mean: offset is the mean. zscore: also, and scale the population standard deviation. minmax:
/// offset is the least value, scale the range. A scale of 0 becomes 1; users or items without
/// training rows get the numbers of all rows. Statistics are summed in double in the order of the
/// rows.
/// @param method none | mean | zscore | minmax; @param by global | user | item
/// @return offsets and scales by dense id
[[nodiscard]] Normalisation learn_normalisation(const GroupedRows& data, std::string_view method,
                                                std::string_view by);

/// Replaces every value by its normalised one.
void apply_normalisation(GroupedRows& data, const Normalisation& normalisation);

}  // namespace factorps

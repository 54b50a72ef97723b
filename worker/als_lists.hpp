/// The training interactions of rows, listed for alternating least squares in the order of the
/// cells.
#pragma once

#include <functional>

#include "io/dataset.hpp"
#include "ps/als_tables.hpp"

namespace factorps::worker {

/// What is kept with an interaction, of its value; asked only if there is room for it.
using NumberOf = std::function<float(float)>;

/// Of the users of a strip, or the items of a block.
/// @throws DataError if there are not as many as there is room for
void list_interactions(const Dataset& dataset, StripId strip, const NumberOf& number_of,
                       const ps::RowLists& lists);
void list_interactions(const Dataset& dataset, BlockId block, const NumberOf& number_of,
                       const ps::RowLists& lists);

}  // namespace factorps::worker

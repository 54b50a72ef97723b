/// Cleaning steps, in the order in which prepare takes them. (Malformed rows and values out of
/// range have been left out on reading, io/prepare/row_reader.hpp.)
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "io/prepare/grouped.hpp"
#include "io/prepare/merge.hpp"

namespace factorps {

/// 1. Keeps rows with from <= time < to. Needs times unless both are empty.
void keep_time_window(RawInteractions& data, std::optional<std::int64_t> from,
                      std::optional<std::int64_t> to);

/// What becomes of several rows of one user and item.
enum class Duplicates { keep_all, keep_last, keep_first, mean, sum, max };
[[nodiscard]] Duplicates duplicates_from(std::string_view setting);

/// 2. Makes one row of those of equal user and item; rows of data.source and data.test are not
/// compared with each other. Last and first go by time where rows carry one, then by position.
/// mean, sum and max carry the latest time.
/// @throws DataError if a sum exceeds the range of float
void merge_duplicates(GroupedRows& data, Duplicates duplicates);

/// 3. Leaves out users and items with fewer rows than these, again and again until none is left.
/// Rows of data.test neither count nor go.
void keep_core(GroupedRows& data, std::int64_t min_user_interactions,
               std::int64_t min_item_interactions);

}  // namespace factorps

/// What the test rows have in common with the training rows, and what not.
#pragma once

#include <cstdint>
#include <optional>

#include "io/prepare/grouped.hpp"

namespace factorps {

struct LeakReport {
  std::uint64_t pairs_in_train = 0;  ///< test rows whose user and item also make a training row
  std::uint64_t unknown_users = 0;   ///< users with test rows and no training row
  std::uint64_t unknown_items = 0;
  std::uint64_t unknown_user_rows = 0;  ///< test rows of these users
  std::uint64_t unknown_item_rows = 0;
  std::optional<std::int64_t> test_from;  ///< the time cut, else the first test time
  std::optional<std::uint64_t>
      train_rows_after;  ///< training rows from then on; none without times
};

/// @param time_cut of the split, if it is by time
[[nodiscard]] LeakReport find_leaks(const GroupedRows& data, std::optional<std::int64_t> time_cut);

}  // namespace factorps

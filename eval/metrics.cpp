#include "eval/metrics.hpp"

#include <type_traits>

namespace factorps::eval {

static_assert(std::is_trivially_copyable_v<ErrorSums>);

ErrorSums& ErrorSums::operator+=(const ErrorSums& later) noexcept {
  count += later.count;
  squared += later.squared;
  absolute += later.absolute;
  squared_clipped += later.squared_clipped;
  absolute_clipped += later.absolute_clipped;
  cold_users += later.cold_users;
  cold_items += later.cold_items;
  cold_both += later.cold_both;
  return *this;
}

}  // namespace factorps::eval

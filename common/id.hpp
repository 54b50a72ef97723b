/// Indices that cannot be mistaken for each other.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace factorps {

/// An index of one kind; no conversion from or to another kind or a plain integer.
template <class Tag, class Rep = std::uint32_t>
class Id {
 public:
  constexpr Id() = default;
  constexpr explicit Id(Rep value) noexcept : value_{value} {}
  [[nodiscard]] constexpr Rep value() const noexcept { return value_; }
  friend constexpr auto operator<=>(Id, Id) = default;  // NOLINT(modernize-use-nullptr)

 private:
  Rep value_{};
};

using StripId = Id<struct StripTag>;  ///< a range of users
using BlockId = Id<struct BlockTag>;  ///< a range of items

}  // namespace factorps

template <class Tag, class Rep>
struct std::hash<factorps::Id<Tag, Rep>> {
  std::size_t operator()(factorps::Id<Tag, Rep> id) const noexcept {
    return std::hash<Rep>{}(id.value());
  }
};

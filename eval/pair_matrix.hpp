/// Who has what, as zeros and ones: what models between items are made of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace factorps::eval {

/// Pairs of users and items, each once, in the order of either. Values do not matter.
class PairMatrix {
 public:
  /// @param pairs (user, item) in any order; repeated ones count once
  PairMatrix(std::uint64_t users, std::uint64_t items,
             std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs);

  [[nodiscard]] std::size_t users() const noexcept { return user_begin_.size() - 1; }
  [[nodiscard]] std::size_t items() const noexcept { return item_begin_.size() - 1; }
  /// Ascending.
  [[nodiscard]] std::span<const std::uint32_t> items_of(std::size_t user) const {
    return part(items_, user_begin_, user);
  }
  /// Ascending.
  [[nodiscard]] std::span<const std::uint32_t> users_of(std::size_t item) const {
    return part(users_, item_begin_, item);
  }

 private:
  static std::span<const std::uint32_t> part(const std::vector<std::uint32_t>& all,
                                             const std::vector<std::size_t>& begin,
                                             std::size_t row) {
    return std::span{all}.subspan(begin[row], begin[row + 1] - begin[row]);
  }

  std::vector<std::size_t> user_begin_;  // [user], plus the end
  std::vector<std::size_t> item_begin_;  // [item], plus the end
  std::vector<std::uint32_t> items_;     // by user
  std::vector<std::uint32_t> users_;     // by item
};

}  // namespace factorps::eval

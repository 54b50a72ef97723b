/// What users had: features of a factorization machine.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "io/dataset.hpp"
#include "ps/layout.hpp"

namespace factorps::ps {

/// Sets of items, one after the other.
struct ItemSets {
  std::vector<std::uint32_t> begin{0};  ///< [set], plus the end
  std::vector<std::uint32_t> items;

  [[nodiscard]] std::size_t size() const noexcept { return begin.size() - 1; }
  [[nodiscard]] std::span<const std::uint32_t> of(std::size_t set) const {
    return std::span{items}.subspan(begin[set], begin[set + 1] - begin[set]);
  }
  void clear() {
    begin.assign(1, 0);
    items.clear();
  }
};

/// The training items of the users of neighbouring strips: of a dataset with times in their order,
/// an item at its first time; else in an order that is random, but a function of seed, user and
/// item.
class UserHistories {
 public:
  /// 4 bytes per interaction, 12 with times; 8 per user. @param most items in a set
  UserHistories(const Dataset& dataset, Share strips, std::size_t most, std::uint64_t seed);

  [[nodiscard]] bool holds(std::uint64_t user) const noexcept {
    return user >= first_user_ && user - first_user_ + 1 < begin_.size();
  }
  /// Adds the set of what a user had before an interaction: the latest items of earlier times; or
  /// without times some of the others.
  /// @param item of the interaction @param time of it, if the dataset has times
  void add_before(std::uint64_t user, std::uint64_t item, std::optional<std::int64_t> time,
                  ItemSets& sets) const;
  /// The same of all training items.
  void add_all(std::uint64_t user, ItemSets& sets) const;

 private:
  void list_user(std::vector<std::pair<std::int64_t, std::uint32_t>>& keyed, bool timed);
  [[nodiscard]] std::span<const std::uint32_t> items(std::uint64_t user) const {
    const std::size_t n = user - first_user_;
    return std::span{items_}.subspan(begin_[n], begin_[n + 1] - begin_[n]);
  }

  std::size_t most_;
  std::uint64_t first_user_;
  std::vector<std::uint64_t> begin_{0};  // [user], plus the end
  std::vector<std::uint32_t> items_;
  std::vector<std::int64_t> times_;  // [item of a user], if there are any
};

}  // namespace factorps::ps

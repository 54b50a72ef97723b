/// Kinds of users and items by their training data, for metrics of each (`evaluate --segments`).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "io/dataset.hpp"

namespace factorps::apps {

/// Cold users have fewer than `cold_below` training interactions, the others are warm. Items in
/// descending order of training interactions (ties by row) are head up to a third of all training
/// interactions, torso up to two thirds, tail beyond: an item belongs where its first one lies.
class Segments {
 public:
  static constexpr std::array kNames{"users:cold", "users:warm", "items:head", "items:torso",
                                     "items:tail"};
  static constexpr std::size_t kUsers = 2;  ///< of the names, the first ones

  Segments(const Dataset& dataset, std::int64_t cold_below);

  /// @return position in kNames
  [[nodiscard]] std::size_t of_user(std::uint64_t user) const {
    return std::int64_t{user_counts_[user]} < cold_below_ ? 0 : 1;
  }
  /// Those of the items that belong to a segment. @param segment position in kNames, an item one
  [[nodiscard]] std::vector<std::uint32_t> among(std::span<const std::uint32_t> items,
                                                 std::size_t segment) const;
  /// How many items. @param segment position in kNames, an item one
  [[nodiscard]] std::uint64_t items_in(std::size_t segment) const;

 private:
  std::span<const std::uint32_t> user_counts_;
  std::int64_t cold_below_;
  std::vector<std::uint8_t> item_segment_;  // [item] position in kNames
};

}  // namespace factorps::apps

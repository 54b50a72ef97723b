/// Kinds of users and items, for metrics of each (`evaluate --segments`, `--segments-by`).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "apps/chosen_attribute.hpp"
#include "io/dataset.hpp"

namespace factorps::apps {

/// By training data: cold users have fewer than some number of training interactions, the others
/// are warm; cold items have none. Items in descending order of training interactions (ties by row)
/// are head up to a third of all training interactions, torso up to two thirds, tail beyond: an
/// item belongs where its first one lies.
///
/// By an attribute: a segment for each of the values that most rows have (ties by value), one for
/// the rest of them and one for rows without a value. Rows with several values are in several.
class Segments {
 public:
  static constexpr std::size_t kMostValues = 20;  ///< of an attribute with a segment of their own

  /// @param cold_below training interactions that make a user warm
  void add_by_training(const Dataset& dataset, std::int64_t cold_below);
  void add_by(const ChosenAttribute& chosen);

  [[nodiscard]] std::size_t size() const noexcept { return segments_.size(); }
  /// "users:cold", "items:head", "items:department=food", "items:department (others)"
  [[nodiscard]] const std::string& name(std::size_t segment) const {
    return segments_[segment].name;
  }
  [[nodiscard]] bool of_users(std::size_t segment) const { return segments_[segment].of_users; }
  /// Users or items in it.
  [[nodiscard]] std::uint64_t rows(std::size_t segment) const { return segments_[segment].rows; }

  /// Ascending.
  [[nodiscard]] std::span<const std::uint32_t> of_user(std::uint64_t user) const {
    return users_.of(user);
  }
  /// The items of each segment. [segment] of users: none
  [[nodiscard]] std::vector<std::vector<std::uint32_t>> split(
      std::span<const std::uint32_t> items) const;

 private:
  struct Segment {
    std::string name;
    bool of_users = false;
    std::uint64_t rows = 0;
  };
  /// Segments of each row.
  struct Members {
    std::vector<std::uint64_t> begin;     // [row], plus the end
    std::vector<std::uint32_t> segments;  // those of a row ascend
    [[nodiscard]] std::span<const std::uint32_t> of(std::uint64_t row) const {
      if (begin.empty()) return {};
      return std::span{segments}.subspan(begin[row], begin[row + 1] - begin[row]);
    }
  };
  using Entry = std::pair<std::uint64_t, std::uint32_t>;  // row, segment

  [[nodiscard]] std::uint32_t open(std::string name, bool of_users);
  /// @param entries in ascending order, of segments that are new
  void add(bool of_users, std::uint64_t rows, const std::vector<Entry>& entries);

  std::vector<Segment> segments_;
  Members users_;
  Members items_;
};

}  // namespace factorps::apps

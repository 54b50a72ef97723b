/// What users add up to in an evaluation of rankings.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace factorps::apps {

/// Sums over users, as doubles so that they travel together; counts below 2^53 are exact.
class RankingSums {
 public:
  explicit RankingSums(std::size_t metrics) : numbers_(kHead + 3 * metrics) {}

  /// A user with something relevant. @param values NaN: not defined for this user
  void add(std::span<const double> values, std::uint64_t relevant, bool cold) {
    numbers_[0] += 1;
    numbers_[2] += cold ? 1 : 0;
    numbers_[3] += static_cast<double>(relevant);
    for (std::size_t m = 0; m < values.size(); ++m) {
      if (std::isnan(values[m])) continue;
      double* sums = numbers_.data() + kHead + 3 * m;
      sums[0] += values[m];
      sums[1] += values[m] * values[m];
      sums[2] += 1;
    }
  }
  void skip() { numbers_[1] += 1; }
  void add(const RankingSums& later) {
    for (std::size_t n = 0; n < numbers_.size(); ++n) numbers_[n] += later.numbers_[n];
  }

  [[nodiscard]] double users() const { return numbers_[0]; }     ///< with something relevant
  [[nodiscard]] double skipped() const { return numbers_[1]; }   ///< without
  [[nodiscard]] double cold() const { return numbers_[2]; }      ///< of users(): no training data
  [[nodiscard]] double relevant() const { return numbers_[3]; }  ///< items of users()
  // Of a metric, over the users that have it.
  [[nodiscard]] double sum(std::size_t m) const { return numbers_[kHead + 3 * m]; }
  [[nodiscard]] double squares(std::size_t m) const { return numbers_[kHead + 3 * m + 1]; }
  [[nodiscard]] double count(std::size_t m) const { return numbers_[kHead + 3 * m + 2]; }

  /// To send them elsewhere; as many for as many metrics.
  [[nodiscard]] std::span<double> numbers() { return numbers_; }
  [[nodiscard]] std::span<const double> numbers() const { return numbers_; }

 private:
  static constexpr std::size_t kHead = 4;
  std::vector<double> numbers_;
};

/// What a strip adds to the result.
struct StripRanking {
  std::vector<RankingSums> sums;  ///< of all users, then of each segment
  std::string lines;              ///< one per user, if wanted
  std::string candidates;         ///< one line per user, if wanted
};
[[nodiscard]] std::vector<std::byte> to_bytes(const StripRanking& ranking);
/// @param shape with as many sums of as many metrics
[[nodiscard]] StripRanking from_bytes(std::span<const std::byte> bytes, StripRanking shape);

}  // namespace factorps::apps

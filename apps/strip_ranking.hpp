/// How well the items of the users of one strip are ranked.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apps/commands.hpp"
#include "apps/ranker.hpp"
#include "io/dataset.hpp"

namespace factorps::eval {
struct FullRanking;
}

namespace factorps::apps {

/// Sums over users, as doubles so that they travel together; counts below 2^53 are exact.
struct RankingSums {
  explicit RankingSums(std::size_t metrics) : metric(2 * metrics) {}
  double users = 0;            ///< with something relevant
  double skipped = 0;          ///< without
  double cold = 0;             ///< of `users`, without training data
  double relevant = 0;         ///< of `users`
  std::vector<double> metric;  // [metric] sum, then [metric] sum of squares

  void add(std::span<const double> values) {
    for (std::size_t m = 0; m < values.size(); ++m) {
      metric[m] += values[m];
      metric[values.size() + m] += values[m] * values[m];
    }
  }
  void add(const RankingSums& later) {
    users += later.users;
    skipped += later.skipped;
    cold += later.cold;
    relevant += later.relevant;
    for (std::size_t m = 0; m < metric.size(); ++m) metric[m] += later.metric[m];
  }
};

/// What a strip adds to the result.
struct StripRanking {
  RankingSums sums;
  std::string lines;  ///< one per user, if wanted
};
[[nodiscard]] std::vector<std::byte> to_bytes(const StripRanking& ranking);
/// @param metrics of a user
[[nodiscard]] StripRanking from_bytes(std::span<const std::byte> bytes, std::size_t metrics);

/// "recall@20" and so on: the metrics of a user at the first K, at the second ..., then the AUC.
[[nodiscard]] std::vector<std::string> ranking_metrics(const EvaluateOptions& options);

/// References must outlive the object.
class StripRanker {
 public:
  StripRanker(const EvaluateOptions& options, const Dataset& dataset, const Ranker& ranker);

  /// @throws DataError if a cell of the strip is damaged
  [[nodiscard]] StripRanking run(StripId strip) const;

 private:
  class UserItems;
  struct Parts;
  [[nodiscard]] Parts collect(StripId strip) const;
  void rank(const std::vector<std::uint64_t>& users, const Parts& parts,
            StripRanking& result) const;
  void add(std::uint64_t user, const eval::FullRanking& ranking, StripRanking& result) const;

  const EvaluateOptions& options_;
  const Dataset& dataset_;
  const Ranker& ranker_;
  std::optional<IdTable> ids_;  // if lines are wanted
};

}  // namespace factorps::apps

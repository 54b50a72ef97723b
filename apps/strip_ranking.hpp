/// How well the items of the users of one strip are ranked.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apps/candidate_file.hpp"
#include "apps/commands.hpp"
#include "apps/ranker.hpp"
#include "apps/ranking_sums.hpp"
#include "apps/segments.hpp"
#include "apps/user_metrics.hpp"
#include "common/random.hpp"
#include "io/dataset.hpp"

namespace factorps::apps {

/// References must outlive the object.
class StripRanker {
 public:
  StripRanker(const EvaluateOptions& options, const Dataset& dataset, const Ranker& ranker);

  [[nodiscard]] const UserMetrics& metrics() const noexcept { return metrics_; }
  /// None unless the options name a file.
  [[nodiscard]] const std::optional<CandidateFile>& given() const noexcept { return given_; }
  /// None unless the options ask for them.
  [[nodiscard]] const Segments& segments() const noexcept { return segments_; }
  /// A result without users.
  [[nodiscard]] StripRanking nothing() const;

  /// Adds the lists of the users to `recommended`.
  /// @throws DataError if a cell of the strip is damaged
  [[nodiscard]] StripRanking run(StripId strip, Recommended& recommended) const;

 private:
  class UserItems;
  struct Parts;
  /// One user in a pass over a strip.
  struct Case {
    std::uint64_t user;
    const eval::UserRanking& ranking;
    std::span<const std::uint32_t> history;
    std::span<const std::uint32_t> relevant;
  };
  [[nodiscard]] Parts collect(StripId strip) const;
  void find_earliest(Part part, StripId strip, Parts& parts) const;
  void rank(const std::vector<std::uint64_t>& users, Parts& parts, StripRanking& result,
            Recommended& recommended) const;
  [[nodiscard]] bool has_candidates(const Parts& parts, std::uint64_t user) const;
  /// In the order of the queries.
  [[nodiscard]] std::vector<eval::UserRanking> rank_reduced(const std::vector<std::uint64_t>& users,
                                                            std::span<const eval::Query> queries,
                                                            Parts& parts,
                                                            StripRanking& result) const;
  void reduce(std::span<float> scores, std::uint64_t user, std::span<const std::uint32_t> relevant,
              StripRanking& result) const;
  void add(const Case& one, StripRanking& result, Recommended& recommended) const;
  void add_segments(const Case& one, std::span<const double> values, std::uint64_t relevant,
                    StripRanking& result) const;
  void write_line(const Case& one, const eval::FullRanking& ranking, std::span<const double> values,
                  StripRanking& result) const;

  const EvaluateOptions& options_;
  const Dataset& dataset_;
  const Ranker& ranker_;
  RandomStream sample_;
  std::optional<CandidateFile> given_;
  UserMetrics metrics_;
  Segments segments_;
  std::optional<IdTable> ids_;  // if lines are wanted
  std::optional<IdTable> item_ids_;
};

}  // namespace factorps::apps

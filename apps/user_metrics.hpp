/// The metrics of one user's ranking, and which items it recommends.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "apps/commands.hpp"
#include "apps/ranker.hpp"
#include "eval/full_ranking.hpp"
#include "io/dataset.hpp"

namespace factorps::apps {

/// How often each item was among the first K. [K of the options][item]
using Recommended = std::vector<std::vector<std::uint64_t>>;

/// References must outlive the object.
class UserMetrics {
 public:
  /// @param among what the candidates are, if they are not all items: "sampled:99"
  UserMetrics(const EvaluateOptions& options, const Dataset& dataset, const Ranker& ranker,
              const std::string& among);

  /// "recall@20" and so on: metrics of the ranking at the first K, at the second ..., the AUC; then
  /// of the list of the first K, the second ..., and the popularity of the user's own items. With
  /// sampled candidates there are no lists, and every name says so.
  [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }

  /// Metrics of a ranking with something relevant, in the order of the names.
  [[nodiscard]] std::vector<double> of_ranking(const eval::FullRanking& ranking) const;
  /// The metrics that follow, NaN where one is not defined, and the items of the lists counted.
  /// @param best the first longest_list() candidates
  [[nodiscard]] std::vector<double> of_lists(std::span<const eval::ScoredItem> best,
                                             std::span<const std::uint32_t> history,
                                             Recommended& recommended) const;
  [[nodiscard]] Recommended none_recommended() const;
  /// How many of the best items are asked for.
  [[nodiscard]] std::size_t longest_list() const;
  /// Of rankings of all items only.
  [[nodiscard]] bool has_lists() const noexcept {
    return !options_.sampled && options_.candidates.empty();
  }

 private:
  const EvaluateOptions& options_;
  const Dataset& dataset_;
  const Ranker& ranker_;
  std::vector<Attribute> categories_;  // for the diversity by them
  std::vector<double> unit_scales_;    // [item] for the diversity by factors
  std::uint64_t training_users_ = 0;
  std::vector<std::string> names_;
};

}  // namespace factorps::apps

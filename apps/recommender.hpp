/// The best items of users.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apps/asked_users.hpp"
#include "apps/fold_in.hpp"
#include "apps/item_filter.hpp"
#include "apps/popularity.hpp"
#include "apps/seen_items.hpp"
#include "eval/head_scorer.hpp"
#include "eval/topk.hpp"

namespace factorps::apps {

struct Recommendation {
  /// What the scores are: factors, attributes or fold-in (original units, not clipped), or
  /// popularity (training interactions), also popularity:NAME=VALUE.
  std::string basis;
  std::vector<eval::ScoredItem> items;  ///< best first; rows of the model
};

/// References must outlive the object.
class Recommender {
 public:
  /// @param seen of users of the model; none if nothing is left out
  /// @param fold for users with histories; none if there are no such users
  /// @param include_seen whether histories are candidates too
  /// @param moment of all lists; none: scores do not depend on it
  Recommender(const Model& model, const SeenItems* seen, const ModelFoldIn* fold, bool include_seen,
              const ItemFilter& filter, const Popularity& popularity, std::size_t count,
              std::optional<std::int64_t> moment);

  /// @param users at most eval::kQueryBlock
  [[nodiscard]] std::vector<Recommendation> best(std::span<const Asked> users) const;

 private:
  /// Users whose items are ranked by the same table.
  struct Batch {
    eval::ItemTable items;
    std::vector<eval::Query> queries;
    std::vector<std::size_t> places;  // of the users
  };
  [[nodiscard]] bool has_factors(const Asked& user) const;
  [[nodiscard]] std::span<const std::uint32_t> excluded(const Asked& user) const;
  void rank(const Batch& batch, std::span<const Asked> users,
            std::vector<Recommendation>& result) const;
  /// One list per query, quotas kept.
  [[nodiscard]] std::vector<std::vector<eval::ScoredItem>> lists(const Batch& batch) const;

  const Model& model_;
  const SeenItems* seen_;
  const ModelFoldIn* fold_;
  bool include_seen_;
  const ItemFilter& filter_;
  const Popularity& popularity_;
  std::size_t count_;
  std::optional<std::int64_t> moment_;
  std::vector<float> bias_;  // NaN: not allowed
  eval::ItemTable items_;
  std::unique_ptr<eval::HeadScorer> head_;  // of models with layers
};

}  // namespace factorps::apps

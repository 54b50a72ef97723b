#include "apps/user_metrics.hpp"

#include <algorithm>
#include <limits>

#include <fmt/core.h>

#include "apps/chosen_attribute.hpp"
#include "eval/item_lists.hpp"

namespace factorps::apps {
namespace {

struct Metric {
  const char* name;
  double eval::RankingAtK::*value;
};
constexpr Metric kMetrics[]{{"precision", &eval::RankingAtK::precision},
                            {"recall", &eval::RankingAtK::recall},
                            {"recall_capped", &eval::RankingAtK::recall_capped},
                            {"f1", &eval::RankingAtK::f1},
                            {"accuracy", &eval::RankingAtK::accuracy},
                            {"hit_rate", &eval::RankingAtK::hit_rate},
                            {"ndcg", &eval::RankingAtK::ndcg},
                            {"map", &eval::RankingAtK::average_precision},
                            {"mrr", &eval::RankingAtK::reciprocal_rank}};
constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

}  // namespace

UserMetrics::UserMetrics(const EvaluateOptions& options, const Dataset& dataset,
                         const Ranker& ranker, const std::string& among)
    : options_{options}, dataset_{dataset}, ranker_{ranker} {
  for (const std::uint32_t count : dataset.user_counts()) training_users_ += count > 0 ? 1U : 0U;
  const std::string suffix = among.empty() ? std::string{} : fmt::format("({})", among);
  const auto add = [&](const char* name, std::int64_t k) {
    names_.push_back(fmt::format("{}@{}{}", name, k, suffix));
  };
  for (const std::int64_t k : options.at) {
    for (const Metric& metric : kMetrics) add(metric.name, k);
  }
  names_.push_back("auc" + suffix);
  if (!has_lists()) return;
  if (ranker.factors() != nullptr) unit_scales_ = eval::unit_scales(*ranker.factors());
  for (const std::string& name : options.diversity_by)
    categories_.push_back(choose_item_attribute(dataset, "--diversity-by", name));
  for (const std::int64_t k : options.at) {
    add("novelty", k);
    add("popularity", k);
    if (ranker.factors() != nullptr) add("diversity", k);
    for (const Attribute& one : categories_)
      names_.push_back(fmt::format("category_diversity@{}({})", k, one.name));
  }
  names_.emplace_back("history_popularity");
}

Recommended UserMetrics::none_recommended() const {
  if (!has_lists()) return {};
  return Recommended(options_.at.size(), std::vector<std::uint64_t>(dataset_.grid().items()));
}

std::vector<double> UserMetrics::of_ranking(const eval::FullRanking& ranking) const {
  const auto ties = options_.pessimistic ? eval::Ties::pessimistic : eval::Ties::expected;
  std::vector<double> values;
  values.reserve(names_.size());
  for (const std::int64_t k : options_.at) {
    const auto at =
        eval::ranking_at(static_cast<std::uint64_t>(k), ranking.groups, ranking.candidates, ties);
    for (const Metric& metric : kMetrics) values.push_back(at.*metric.value);
  }
  values.push_back(eval::area_under_curve(ranking.groups, ranking.candidates, ties));
  return values;
}

std::size_t UserMetrics::longest_list() const {
  return has_lists() ? static_cast<std::size_t>(std::ranges::max(options_.at)) : 0;
}

std::vector<double> UserMetrics::of_lists(std::span<const eval::ScoredItem> best,
                                          std::span<const std::uint32_t> history,
                                          Recommended& recommended) const {
  if (!has_lists()) return {};
  std::vector<std::uint32_t> items;
  items.reserve(best.size());
  for (const auto& [item, score] : best) items.push_back(item);
  if (ranker_.factors() != nullptr) eval::fetch(items, *ranker_.factors());
  const auto counts = dataset_.item_counts();
  std::vector<double> values;
  values.reserve(names_.size());
  for (std::size_t n = 0; n < options_.at.size(); ++n) {
    const auto k = static_cast<std::size_t>(options_.at[n]);
    const auto list = std::span{items}.first(std::min(k, items.size()));
    for (const std::uint32_t item : list) ++recommended[n][item];
    values.push_back(eval::self_information(list, counts, training_users_));
    values.push_back(history.empty() ? kUndefined : eval::mean_popularity(list, counts));
    if (const eval::ItemTable* factors = ranker_.factors()) {
      values.push_back(list.size() > 1 ? eval::factor_diversity(list, *factors, unit_scales_)
                                       : kUndefined);
    }
    for (const Attribute& one : categories_) {
      values.push_back(list.size() > 1 ? eval::category_diversity(list, {one.offsets, one.codes})
                                       : kUndefined);
    }
  }
  values.push_back(history.empty() ? kUndefined : eval::mean_popularity(history, counts));
  return values;
}

}  // namespace factorps::apps

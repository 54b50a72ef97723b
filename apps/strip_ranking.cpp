#include "apps/strip_ranking.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include <fmt/core.h>

#include "apps/evaluation.hpp"
#include "apps/text_output.hpp"
#include "eval/full_ranking.hpp"

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

}  // namespace

/// Items of the users of a strip.
class StripRanker::UserItems {
 public:
  UserItems(RowRange users) : users_{users}, items_(users.size()) {}
  void add(std::uint64_t user, std::uint64_t item) {
    items_[user - users_.begin].push_back(static_cast<std::uint32_t>(item));
  }
  void sort() {
    for (auto& items : items_) {
      std::ranges::sort(items);
      items.erase(std::unique(items.begin(), items.end()), items.end());
    }
  }
  [[nodiscard]] std::span<const std::uint32_t> of(std::uint64_t user) const {
    return items_[user - users_.begin];
  }

 private:
  RowRange users_;
  std::vector<std::vector<std::uint32_t>> items_;  // [user of the strip]
};

StripRanker::StripRanker(const EvaluateOptions& options, const Dataset& dataset,
                         const Ranker& ranker)
    : options_{options}, dataset_{dataset}, ranker_{ranker} {
  if (!options.per_user.empty()) ids_ = dataset.user_ids();
}

StripRanking StripRanker::run(StripId strip) const {
  const RowRange rows = dataset_.grid().users_of(strip);
  UserItems known{rows};
  UserItems relevant{rows};
  collect(strip, known, relevant);
  StripRanking result{RankingSums{options_.at.size() * std::size(kMetrics) + 1}, {}};
  std::vector<std::uint64_t> users;
  for (std::uint64_t user = rows.begin; user < rows.end; ++user) {
    if (relevant.of(user).empty()) {
      ++result.sums.skipped;
      continue;
    }
    users.push_back(user);
    if (users.size() == eval::kQueryBlock) rank(std::exchange(users, {}), known, relevant, result);
  }
  rank(users, known, relevant, result);
  return result;
}

/// Known items are no candidates: those of training, and of validation when testing.
void StripRanker::collect(StripId strip, UserItems& known, UserItems& relevant) const {
  const auto add_to = [](UserItems& items, double least) {
    return [&items, least](std::uint64_t user, std::uint64_t item, float value) {
      if (double{value} >= least) items.add(user, item);
    };
  };
  constexpr double kAny = -std::numeric_limits<double>::infinity();
  const bool testing = options_.part == part_name(Part::test);
  dataset_.verify(strip);
  for_each_interaction(dataset_, Part::train, strip, add_to(known, kAny));
  if (testing) for_each_interaction(dataset_, Part::validation, strip, add_to(known, kAny));
  for_each_interaction(dataset_, testing ? Part::test : Part::validation, strip,
                       add_to(relevant, options_.relevant_from.value_or(kAny)));
  known.sort();
  relevant.sort();
}

void StripRanker::rank(const std::vector<std::uint64_t>& users, const UserItems& known,
                       const UserItems& relevant, StripRanking& result) const {
  std::vector<eval::Query> queries;
  std::vector<std::span<const std::uint32_t>> wanted;
  for (const std::uint64_t user : users) {
    queries.push_back(ranker_.query(user));
    queries.back().excluded = known.of(user);
    wanted.push_back(relevant.of(user));
  }
  const auto rankings = eval::rank_relevant(ranker_.items(), queries, wanted);
  for (std::size_t n = 0; n < users.size(); ++n) add(users[n], rankings[n], result);
}

void StripRanker::add(std::uint64_t user, const eval::FullRanking& ranking,
                      StripRanking& result) const {
  if (ranking.groups.empty()) {  // everything relevant was known before
    ++result.sums.skipped;
    return;
  }
  const auto ties = options_.pessimistic ? eval::Ties::pessimistic : eval::Ties::expected;
  std::vector<double> values;
  for (const std::int64_t k : options_.at) {
    const auto at =
        eval::ranking_at(static_cast<std::uint64_t>(k), ranking.groups, ranking.candidates, ties);
    for (const Metric& metric : kMetrics) values.push_back(at.*metric.value);
  }
  values.push_back(eval::area_under_curve(ranking.groups, ranking.candidates, ties));
  std::uint64_t relevant = 0;
  for (const auto& group : ranking.groups) relevant += group.relevant;
  ++result.sums.users;
  result.sums.cold += dataset_.user_counts()[user] == 0 ? 1 : 0;
  result.sums.relevant += static_cast<double>(relevant);
  result.sums.add(values);
  if (!ids_) return;
  result.lines +=
      fmt::format("{}\t{}\t{}", tsv_field(ids_->text(user)), ranking.candidates, relevant);
  for (const double value : values) result.lines += fmt::format("\t{:.9g}", value);
  result.lines += '\n';
}

std::vector<std::string> ranking_metrics(const EvaluateOptions& options) {
  std::vector<std::string> names;
  for (const std::int64_t k : options.at) {
    for (const Metric& metric : kMetrics) names.push_back(fmt::format("{}@{}", metric.name, k));
  }
  names.emplace_back("auc");
  return names;
}

std::vector<std::byte> to_bytes(const StripRanking& result) {
  std::vector<double> numbers{result.sums.users, result.sums.skipped, result.sums.cold,
                              result.sums.relevant};
  numbers.insert(numbers.end(), result.sums.metric.begin(), result.sums.metric.end());
  const auto head = std::as_bytes(std::span{numbers});
  const auto tail = std::as_bytes(std::span{result.lines});
  std::vector<std::byte> bytes{head.begin(), head.end()};
  bytes.insert(bytes.end(), tail.begin(), tail.end());
  return bytes;
}

StripRanking from_bytes(std::span<const std::byte> bytes, std::size_t metrics) {
  StripRanking result{RankingSums{metrics}, {}};
  std::vector<double> numbers(4 + 2 * metrics);
  std::memcpy(numbers.data(), bytes.data(), numbers.size() * sizeof(double));
  result.sums.users = numbers[0];
  result.sums.skipped = numbers[1];
  result.sums.cold = numbers[2];
  result.sums.relevant = numbers[3];
  std::copy(numbers.begin() + 4, numbers.end(), result.sums.metric.begin());
  const auto text = bytes.subspan(numbers.size() * sizeof(double));
  result.lines.assign(reinterpret_cast<const char*>(text.data()), text.size());
  return result;
}

}  // namespace factorps::apps

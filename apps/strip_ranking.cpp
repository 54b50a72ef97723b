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

/// What the protocol takes the items of a user for.
struct StripRanker::Parts {
  explicit Parts(RowRange users) : history{users}, known{users}, relevant{users} {}
  UserItems history;  ///< of training
  UserItems known;    ///< no candidates: those of training, and of validation when testing
  UserItems relevant;
};

StripRanker::StripRanker(const EvaluateOptions& options, const Dataset& dataset,
                         const Ranker& ranker)
    : options_{options}, dataset_{dataset}, ranker_{ranker} {
  if (!options.per_user.empty()) ids_ = dataset.user_ids();
}

StripRanking StripRanker::run(StripId strip) const {
  const RowRange rows = dataset_.grid().users_of(strip);
  const Parts parts = collect(strip);
  StripRanking result{RankingSums{options_.at.size() * std::size(kMetrics) + 1}, {}};
  std::vector<std::uint64_t> users;
  for (std::uint64_t user = rows.begin; user < rows.end; ++user) {
    if (parts.relevant.of(user).empty()) {
      ++result.sums.skipped;
      continue;
    }
    users.push_back(user);
    if (users.size() == eval::kQueryBlock) rank(std::exchange(users, {}), parts, result);
  }
  rank(users, parts, result);
  return result;
}

StripRanker::Parts StripRanker::collect(StripId strip) const {
  const auto add_to = [](UserItems& items, double least) {
    return [&items, least](std::uint64_t user, std::uint64_t item, float value) {
      if (double{value} >= least) items.add(user, item);
    };
  };
  constexpr double kAny = -std::numeric_limits<double>::infinity();
  const bool testing = options_.part == part_name(Part::test);
  Parts parts{dataset_.grid().users_of(strip)};
  dataset_.verify(strip);
  for_each_interaction(dataset_, Part::train, strip, add_to(parts.history, kAny));
  for_each_interaction(dataset_, Part::train, strip, add_to(parts.known, kAny));
  if (testing) for_each_interaction(dataset_, Part::validation, strip, add_to(parts.known, kAny));
  for_each_interaction(dataset_, testing ? Part::test : Part::validation, strip,
                       add_to(parts.relevant, options_.relevant_from.value_or(kAny)));
  for (UserItems* items : {&parts.history, &parts.known, &parts.relevant}) items->sort();
  return parts;
}

void StripRanker::rank(const std::vector<std::uint64_t>& users, const Parts& parts,
                       StripRanking& result) const {
  std::vector<eval::Query> queries;
  for (const std::uint64_t user : users) {
    queries.push_back(ranker_.query(user));
    queries.back().excluded = parts.known.of(user);
    queries.back().history = parts.history.of(user);
  }
  const auto all = eval::candidate_scores(ranker_.scorer(), queries);
  const std::size_t items = ranker_.scorer().items();
  for (std::size_t n = 0; n < users.size(); ++n) {
    const auto scores = std::span{all}.subspan(n * items, items);
    add(users[n], eval::rank_relevant(scores, parts.relevant.of(users[n])), result);
  }
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

#include "apps/strip_ranking.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include <fmt/core.h>

#include "apps/evaluation.hpp"
#include "apps/row_match.hpp"
#include "apps/text_output.hpp"
#include "eval/sampled_candidates.hpp"

namespace factorps::apps {
namespace {

std::uint64_t relevant_of(const eval::FullRanking& ranking) {
  std::uint64_t relevant = 0;
  for (const auto& group : ranking.groups) relevant += group.relevant;
  return relevant;
}

/// What is ranked, if not all items.
std::string among(const EvaluateOptions& options, const std::optional<CandidateFile>& given) {
  if (given) return given->label();
  return options.sampled ? fmt::format("sampled:{}", *options.sampled) : std::string{};
}

}  // namespace

/// Items of the users of a strip.
class StripRanker::UserItems {
 public:
  explicit UserItems(RowRange users) : users_{users} {}
  void add(std::uint64_t user, std::uint64_t item) {
    found_.push_back(
        {static_cast<std::uint32_t>(user - users_.begin), static_cast<std::uint32_t>(item)});
  }
  /// Room for so many more.
  void expect(std::size_t count) { found_.reserve(found_.size() + count); }
  /// After the last one: those of a user stand together, each once.
  void sort() {
    std::vector<std::size_t> next(users_.size() + 1);
    for (const auto& one : found_) ++next[one.user + 1];
    std::partial_sum(next.begin(), next.end(), next.begin());
    begin_ = next;
    items_.resize(found_.size());
    for (const auto& one : found_) items_[next[one.user]++] = one.item;
    end_ = std::move(next);
    for (std::size_t user = 0; user < users_.size(); ++user) {
      const auto first = items_.begin() + static_cast<std::ptrdiff_t>(begin_[user]);
      const auto last = items_.begin() + static_cast<std::ptrdiff_t>(end_[user]);
      std::sort(first, last);
      end_[user] -= static_cast<std::size_t>(last - std::unique(first, last));
    }
    found_ = {};
  }
  [[nodiscard]] std::span<const std::uint32_t> of(std::uint64_t user) const {
    const std::size_t row = user - users_.begin;
    return std::span{items_}.subspan(begin_[row], end_[row] - begin_[row]);
  }

 private:
  struct Found {
    std::uint32_t user;  // of the strip
    std::uint32_t item;
  };
  RowRange users_;
  std::vector<Found> found_;
  std::vector<std::size_t> begin_;  // [user of the strip]
  std::vector<std::size_t> end_;
  std::vector<std::uint32_t> items_;
};

/// What the protocol takes the items of a user for.
struct StripRanker::Parts {
  Parts(StripId which, RowRange users) : strip{which}, history{users}, relevant{users} {}
  [[nodiscard]] std::span<const std::uint32_t> excluded(std::uint64_t user) const {
    return known ? known->of(user) : history.of(user);
  }
  StripId strip;
  UserItems history;               ///< of training, or what is known of a held-out user
  std::optional<UserItems> known;  ///< with validation when testing; none: history
  UserItems relevant;
  std::vector<std::int64_t> earliest;  ///< of what is relevant, if scores depend on it; [user]
  std::optional<DatasetFoldIn::Strip> fold;
  std::vector<float> memory;  ///< of scores
};

StripRanker::StripRanker(const EvaluateOptions& options, const Dataset& dataset,
                         const Ranker& ranker)
    : options_{options},
      dataset_{dataset},
      ranker_{ranker},
      sample_{options.seed, Purpose::sample_candidates},
      given_{options.candidates.empty()
                 ? std::nullopt
                 : std::optional<CandidateFile>{std::in_place, options.candidates, dataset,
                                                id_key_of(load_config(options.config,
                                                                      options.assignments))}},
      metrics_{options, dataset, ranker, among(options, given_)} {
  if (options.segments) segments_.add_by_training(dataset, options.cold_below);
  for (const std::string& name : options.segments_by)
    segments_.add_by(choose_attribute(dataset, "--segments-by", name));
  if (!options.per_user.empty() || !options.write_candidates.empty()) ids_ = dataset.user_ids();
  if (!options.write_candidates.empty()) item_ids_ = dataset.item_ids();
}

StripRanking StripRanker::nothing() const {
  const std::size_t parts = 1 + segments_.size();
  return {std::vector<RankingSums>(parts, RankingSums{metrics_.names().size()}), {}, {}};
}

StripRanking StripRanker::run(StripId strip, Recommended& recommended) const {
  const RowRange rows = dataset_.grid().users_of(strip);
  Parts parts = collect(strip);
  if (ranker_.fold() != nullptr) parts.fold.emplace(*ranker_.fold(), strip);
  StripRanking result = nothing();
  std::vector<std::uint64_t> users;
  for (std::uint64_t user = rows.begin; user < rows.end; ++user) {
    if (!has_candidates(parts, user)) {
      for (RankingSums& sums : result.sums) sums.skip();
      continue;
    }
    users.push_back(user);
    if (users.size() == eval::kQueryBlock) {
      rank(std::exchange(users, {}), parts, result, recommended);
    }
  }
  rank(users, parts, result, recommended);
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
  const auto interactions = [&](Part part) {
    std::size_t count = 0;
    for (std::uint32_t b = 0; b < dataset_.grid().blocks(); ++b) {
      count += dataset_.cell(part, strip, BlockId{b}).items.size();
    }
    return count;
  };
  Parts parts{strip, dataset_.grid().users_of(strip)};
  dataset_.verify(strip);
  for (const Part part : {Part::train, Part::fold_in}) {
    if (dataset_.interactions(part) == 0) continue;
    parts.history.expect(interactions(part));
    for_each_interaction(dataset_, part, strip,
                         [&](auto user, auto item, float) { parts.history.add(user, item); });
  }
  if (testing && dataset_.interactions(Part::validation) > 0) {
    parts.known = parts.history;
    for_each_interaction(dataset_, Part::validation, strip, add_to(*parts.known, kAny));
    parts.known->sort();
  }
  for_each_interaction(dataset_, testing ? Part::test : Part::validation, strip,
                       add_to(parts.relevant, options_.relevant_from.value_or(kAny)));
  if (ranker_.knows_moments()) find_earliest(testing ? Part::test : Part::validation, strip, parts);
  for (UserItems* items : {&parts.history, &parts.relevant}) items->sort();
  return parts;
}

void StripRanker::find_earliest(Part part, StripId strip, Parts& parts) const {
  const RowRange users = dataset_.grid().users_of(strip);
  parts.earliest.assign(users.size(), std::numeric_limits<std::int64_t>::max());
  for_each_timed_interaction(dataset_, part, strip,
                             [&](auto user, auto /*item*/, float value, auto time) {
                               if (double{value} < options_.relevant_from.value_or(value)) return;
                               std::int64_t& earliest = parts.earliest[user - users.begin];
                               earliest = std::min(earliest, time.value());
                             });
}

void StripRanker::rank(const std::vector<std::uint64_t>& users, Parts& parts, StripRanking& result,
                       Recommended& recommended) const {
  std::vector<FoldedRow> folded;
  folded.reserve(2 * users.size());  // queries refer to them
  std::vector<eval::Query> queries;
  std::vector<std::span<const std::uint32_t>> relevant;
  for (const std::uint64_t user : users) {
    queries.push_back(parts.fold && parts.fold->folds(user)
                          ? ranker_.query(folded.emplace_back(parts.fold->row(user)))
                          : ranker_.query(user));
    if (!parts.earliest.empty()) {
      const std::int64_t time = parts.earliest[user - dataset_.grid().users_of(parts.strip).begin];
      queries.back() = ranker_.query(folded.emplace_back(ranker_.in_moment(queries.back(), time)));
    }
    queries.back().excluded = parts.excluded(user);
    queries.back().history = parts.history.of(user);
    relevant.push_back(parts.relevant.of(user));
  }
  const auto rankings = metrics_.has_lists()
                            ? eval::rank_users(ranker_.scorer(), queries, relevant,
                                               metrics_.longest_list(), parts.memory)
                            : rank_reduced(users, queries, parts, result);
  for (std::size_t n = 0; n < users.size(); ++n) {
    add({users[n], rankings[n], queries[n].history, relevant[n]}, result, recommended);
  }
}

std::vector<eval::UserRanking> StripRanker::rank_reduced(const std::vector<std::uint64_t>& users,
                                                         std::span<const eval::Query> queries,
                                                         Parts& parts, StripRanking& result) const {
  std::vector<eval::UserRanking> rankings;
  const auto all = eval::candidate_scores(ranker_.scorer(), queries, parts.memory);
  const std::size_t items = ranker_.scorer().items();
  for (std::size_t n = 0; n < users.size(); ++n) {
    const auto scores = all.subspan(n * items, items);
    const auto relevant = parts.relevant.of(users[n]);
    reduce(scores, users[n], relevant, result);
    rankings.push_back(eval::rank_user(scores, relevant, 0));
  }
  return rankings;
}

/// Users that a file does not list are left out like those without relevant items.
bool StripRanker::has_candidates(const Parts& parts, std::uint64_t user) const {
  return !parts.relevant.of(user).empty() && (!given_ || !given_->of(user).empty());
}

/// Leaves the candidates that the options want.
void StripRanker::reduce(std::span<float> scores, std::uint64_t user,
                         std::span<const std::uint32_t> relevant, StripRanking& result) const {
  if (given_) eval::keep_given(scores, relevant, given_->of(user));
  if (!options_.sampled) return;
  eval::keep_sample(scores, relevant, *options_.sampled, sample_, user);
  if (!item_ids_) return;
  std::vector<std::uint32_t> sampled;
  for (std::uint32_t item = 0; item < scores.size(); ++item) {
    if (!std::isnan(scores[item]) && !std::ranges::binary_search(relevant, item))
      sampled.push_back(item);
  }
  result.candidates += candidate_line(*ids_, *item_ids_, user, sampled);
}

void StripRanker::add(const Case& one, StripRanking& result, Recommended& recommended) const {
  const eval::FullRanking ranking = one.ranking.groups();
  if (ranking.groups.empty()) {  // everything relevant was known before
    for (RankingSums& sums : result.sums) sums.skip();
    return;
  }
  std::vector<double> values = metrics_.of_ranking(ranking);
  const auto lists = metrics_.of_lists(one.ranking.best, one.history, recommended);
  values.insert(values.end(), lists.begin(), lists.end());
  const std::uint64_t relevant = relevant_of(ranking);
  result.sums[0].add(values, relevant, dataset_.user_counts()[one.user] == 0);
  if (segments_.size() > 0) add_segments(one, values, relevant, result);
  if (!options_.per_user.empty()) write_line(one, ranking, values, result);
}

/// Relevant items of other segments stay candidates; lists are the same for all segments of items.
void StripRanker::add_segments(const Case& one, std::span<const double> values,
                               std::uint64_t relevant, StripRanking& result) const {
  const bool cold = dataset_.user_counts()[one.user] == 0;
  for (const std::uint32_t own : segments_.of_user(one.user))
    result.sums[1 + own].add(values, relevant, cold);
  const auto parts = segments_.split(one.relevant);
  for (std::size_t segment = 0; segment < segments_.size(); ++segment) {
    if (segments_.of_users(segment)) continue;
    RankingSums& sums = result.sums[1 + segment];
    if (parts[segment].empty()) {
      sums.skip();
      continue;
    }
    const eval::FullRanking ranking = one.ranking.groups_of(parts[segment]);
    if (ranking.groups.empty()) {
      sums.skip();
    } else {
      sums.add(metrics_.of_ranking(ranking), relevant_of(ranking), cold);
    }
  }
}

void StripRanker::write_line(const Case& one, const eval::FullRanking& ranking,
                             std::span<const double> values, StripRanking& result) const {
  result.lines += fmt::format("{}\t{}\t{}", tsv_field(ids_->text(one.user)), ranking.candidates,
                              relevant_of(ranking));
  for (const double value : values) {
    result.lines += std::isnan(value) ? "\t" : fmt::format("\t{:.9g}", value);
  }
  result.lines += '\n';
}

}  // namespace factorps::apps

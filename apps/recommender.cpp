#include "apps/recommender.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "apps/moment_rows.hpp"

namespace factorps::apps {

Recommender::Recommender(const Model& model, const SeenItems* seen, const ModelFoldIn* fold,
                         bool include_seen, const ItemFilter& filter, const Popularity& popularity,
                         std::size_t count, std::optional<std::int64_t> moment)
    : model_{model},
      seen_{seen},
      fold_{fold},
      include_seen_{include_seen},
      filter_{filter},
      popularity_{popularity},
      count_{count},
      moment_{moment},
      bias_{filter.mask(model.item_bias())},
      items_{model.info().dim, model.item_factors(), bias_, {}, {}} {
  const Normalisation& normalisation = model.info().normalisation;
  if (normalisation.by == NormaliseBy::item) {
    items_.scale = normalisation.scale;
    items_.offset = normalisation.offset;
  }
  if (model.head() == nullptr) return;
  head_ = std::make_unique<eval::HeadScorer>(*model.head(), model.info().layers->dense, items_);
}

std::vector<Recommendation> Recommender::best(std::span<const Asked> users) const {
  std::vector<Recommendation> result(users.size());
  std::vector<FoldedRow> folded(users.size());
  std::vector<PlainRow> in_moment(users.size());
  Batch by_factors{items_, {}, {}};
  std::map<const float*, Batch> by_popularity;  // [counts]
  for (std::size_t n = 0; n < users.size(); ++n) {
    const Asked& user = users[n];
    eval::Query query{{}, static_cast<float>(model_.info().mu), excluded(user)};
    Batch* batch = &by_factors;
    if (user.own_history && !user.items.empty()) {
      folded[n] = fold_->row({user.items, user.values});
      query.factors = folded[n].factors;
      query.base += folded[n].bias;
      result[n].basis = "fold-in";
    } else if (has_factors(user)) {
      query.factors = model_.user(*user.row);
      query.base += model_.user_bias()[*user.row];
      result[n].basis = model_.user_counts()[*user.row] > 0 ? "factors" : "attributes";
    } else {
      auto [basis, counts] = popularity_.of(user.id);
      result[n].basis = std::move(basis);
      query.base = 0;
      batch = &by_popularity[counts.data()];
      batch->items.bias = counts;
    }
    if (moment_ && batch == &by_factors) {
      const auto mu = static_cast<float>(model_.info().mu);
      in_moment[n] = row_in_moment(model_, query.factors, query.base - mu, *moment_);
      query.factors = in_moment[n].factors;
      query.base = mu + in_moment[n].bias;
    }
    batch->queries.push_back(query);
    batch->places.push_back(n);
  }
  rank(by_factors, users, result);
  for (const auto& entry : by_popularity) rank(entry.second, users, result);
  return result;
}

bool Recommender::has_factors(const Asked& user) const {
  if (!user.row) return false;
  if (model_.user_counts()[*user.row] > 0) return true;
  const auto row = model_.user(*user.row);  // of a factorization machine, by attributes
  return model_.info().features && std::ranges::any_of(row, [](float x) { return x != 0; });
}

std::span<const std::uint32_t> Recommender::excluded(const Asked& user) const {
  if (user.own_history) return include_seen_ ? std::span<const std::uint32_t>{} : user.items;
  return seen_ != nullptr && user.row ? seen_->of(*user.row) : std::span<const std::uint32_t>{};
}

void Recommender::rank(const Batch& batch, std::span<const Asked> users,
                       std::vector<Recommendation>& result) const {
  auto ranked = lists(batch);
  for (std::size_t q = 0; q < ranked.size(); ++q) {
    const std::size_t n = batch.places[q];
    if (batch.items.dim > 0 && batch.items.scale.empty()) {  // else original units already
      for (auto& scored : ranked[q]) {
        scored.score = model_.invert(users[n].row, std::nullopt, scored.score);
      }
    }
    result[n].items = std::move(ranked[q]);
  }
}

/// With quotas, longer and longer lists until what fits is enough or there are no more items.
std::vector<std::vector<eval::ScoredItem>> Recommender::lists(const Batch& batch) const {
  const auto top = [&](std::span<const eval::Query> queries, std::size_t count) {
    return head_ && batch.items.dim > 0 ? eval::top_k(*head_, queries, count)
                                        : eval::top_k(batch.items, queries, count);
  };
  if (!filter_.has_quotas()) return top(batch.queries, count_);
  std::vector<std::vector<eval::ScoredItem>> picked(batch.queries.size());
  std::vector<std::size_t> open(batch.queries.size());
  std::iota(open.begin(), open.end(), std::size_t{0});
  for (std::size_t depth = 4 * count_; !open.empty(); depth *= 4) {
    std::vector<eval::Query> queries;
    for (const std::size_t q : open) queries.push_back(batch.queries[q]);
    const auto ranked = top(queries, depth);
    std::vector<std::size_t> still;
    for (std::size_t n = 0; n < open.size(); ++n) {
      auto& list = picked[open[n]] = filter_.pick(ranked[n], count_);
      if (list.size() < count_ && ranked[n].size() == depth) still.push_back(open[n]);
    }
    open = std::move(still);
  }
  return picked;
}

}  // namespace factorps::apps

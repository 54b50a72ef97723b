#include "apps/ranker.hpp"

#include <algorithm>
#include <utility>

#include "eval/head_scorer.hpp"

namespace factorps::apps {

Ranker::Ranker(const Model& model, const RowMatch& match, const Dataset& dataset,
               const DatasetFoldIn* fold)
    : model_{&model}, match_{&match}, fold_{fold} {
  const Normalisation& normalisation = model.info().normalisation;
  items_ = {model.info().dim, model.item_factors(), model.item_bias(), {}, {}};
  if (normalisation.by == NormaliseBy::item) {
    items_.scale = normalisation.scale;
    items_.offset = normalisation.offset;
  }
  if (!match.same_dataset()) {
    if (model.info().features) attributes_.emplace(model, dataset);
    copy_items(model, match, dataset.grid().items());
  }
  if (model.head() != nullptr) {
    scorer_ = std::make_unique<eval::HeadScorer>(*model.head(), model.info().layers->dense, items_);
  } else {
    scorer_ = std::make_unique<eval::FactorScorer>(items_);
  }
}

void Ranker::copy_items(const Model& model, const RowMatch& match, std::uint64_t items) {
  const std::size_t dim = model.info().dim;
  const bool scaled = !items_.scale.empty();
  factors_.resize(items * dim);
  bias_.resize(items);
  if (scaled) {
    scale_.assign(items, 1);
    offset_.resize(items);
  }
  for (std::uint64_t item = 0; item < items; ++item) {
    const auto row = match.item(item);
    if (!row && attributes_) {
      const PlainRow plain = attributes_->item(item).value_or(PlainRow{});
      std::copy_n(plain.factors.data(), plain.factors.size(), factors_.data() + item * dim);
      bias_[item] = plain.bias;
    }
    if (!row) continue;
    std::copy_n(items_.factors.data() + *row * dim, dim, factors_.data() + item * dim);
    bias_[item] = items_.bias[*row];
    if (!scaled) continue;
    scale_[item] = items_.scale[*row];
    offset_[item] = items_.offset[*row];
  }
  items_ = {dim, factors_, bias_, scale_, offset_};
}

Ranker::Ranker(const Dataset& dataset)
    : bias_{dataset.item_counts().begin(), dataset.item_counts().end()} {
  items_.bias = bias_;
  scorer_ = std::make_unique<eval::FactorScorer>(items_);
}

eval::Query Ranker::query(std::uint64_t user) const {
  eval::Query query;
  if (model_ == nullptr) return query;
  query.base = static_cast<float>(model_->info().mu);
  const auto row = match_->user(user);
  if (!row && attributes_) {
    auto& plain = by_attributes_[user];
    if (plain.factors.empty()) plain = attributes_->user(user).value_or(PlainRow{});
    query.factors = plain.factors;
    query.base += plain.bias;
  }
  if (!row) return query;
  query.factors = model_->user(*row);
  query.base += model_->user_bias()[*row];
  return query;
}

eval::Query Ranker::query(const FoldedRow& row) const {
  return {row.factors, static_cast<float>(model_->info().mu) + row.bias, {}, {}};
}

FoldedRow Ranker::in_moment(const eval::Query& query, std::int64_t time) const {
  const auto mu = static_cast<float>(model_->info().mu);
  PlainRow row = row_in_moment(*model_, query.factors, query.base - mu, time);
  return {std::move(row.factors), row.bias};
}

}  // namespace factorps::apps

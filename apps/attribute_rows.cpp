#include "apps/attribute_rows.hpp"

#include <utility>

#include "apps/moment_rows.hpp"
#include "model/heads/factorization_machine.hpp"

namespace factorps::apps {

AttributeRows::AttributeRows(const Model& model, const Dataset& dataset)
    : model_{model}, dim_{static_cast<std::size_t>(model.info().dim)} {
  const auto add = [](const AttributeFeature& feature, std::optional<Attribute> attribute,
                      std::vector<Known>& known) {
    const bool number = feature.kind == AttributeKind::number;
    if (!attribute || number != (attribute->kind == AttributeKind::number)) return;
    auto codes = feature_of_code(feature, *attribute);
    known.push_back({&feature, *std::move(attribute), std::move(codes)});
  };
  for (const AttributeFeature& feature : model.info().features->users)
    add(feature, dataset.user_attribute(feature.name), users_);
  for (const AttributeFeature& feature : model.info().features->items)
    add(feature, dataset.item_attribute(feature.name), items_);
}

std::optional<PlainRow> AttributeRows::plain(const std::vector<Known>& known,
                                             std::uint64_t row) const {
  std::vector<std::uint32_t> features;
  std::vector<float> values;
  std::vector<float> rows;
  for (const Known& one : known) {
    const auto& all = one.feature->rows;
    for_each_feature(*one.feature, one.attribute, one.codes, row, [&](auto number, float x) {
      features.push_back(static_cast<std::uint32_t>(features.size()));
      values.push_back(x);
      const auto weights = std::span{all}.subspan(number * (dim_ + 1), dim_ + 1);
      rows.insert(rows.end(), weights.begin(), weights.end());
    });
  }
  if (features.empty()) return std::nullopt;
  return FactorizationMachine{{.dim = dim_}}.plain(features, values, rows);
}

float AttributeRows::predict(std::uint64_t user, std::uint64_t item, std::optional<std::uint64_t> u,
                             std::optional<std::uint64_t> i,
                             std::optional<std::int64_t> moment) const {
  const auto row_of = [&](std::span<const float> factors, float bias) {
    return PlainRow{{factors.begin(), factors.end()}, bias};
  };
  const PlainRow nothing{std::vector<float>(dim_), 0};
  PlainRow left =
      u ? row_of(model_.user(*u), model_.user_bias()[*u]) : this->user(user).value_or(nothing);
  if (moment) left = row_in_moment(model_, left.factors, left.bias, *moment);
  const PlainRow right =
      i ? row_of(model_.item(*i), model_.item_bias()[*i]) : this->item(item).value_or(nothing);
  double score = model_.info().mu + double{left.bias} + double{right.bias};
  for (std::size_t k = 0; k < dim_; ++k)
    score += double{left.factors[k]} * double{right.factors[k]};
  return model_.invert(u, i, static_cast<float>(score));
}

}  // namespace factorps::apps

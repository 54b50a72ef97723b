#include "apps/popularity.hpp"

#include <fmt/core.h>

#include "apps/evaluation.hpp"
#include "common/error.hpp"

namespace factorps::apps {

Popularity::Popularity(const Model& model, const ItemFilter& filter, const std::string& segments_by,
                       const AttributeSource* source)
    : counts_{model.item_counts().begin(), model.item_counts().end()} {
  if (!segments_by.empty()) {
    attribute_ = source->user_attribute(segments_by);
    if (attribute_.kind == AttributeKind::number) {
      throw ConfigError{fmt::format(
          "--fallback-by {}: the attribute is a number, expected a category or tags", segments_by)};
    }
    count(model, *source);
  }
  counts_ = filter.mask(counts_);
  for (auto& segment : segments_) segment = filter.mask(segment);
}

void Popularity::count(const Model& model, const AttributeSource& source) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 28;  // 1 GiB
  const Dataset& dataset = source.dataset;
  if (attribute_.values.size() * model.info().items > kMost) {
    throw ResourceError{fmt::format("--fallback-by {}: {} values x {} items, expected at most {}",
                                    attribute_.name, attribute_.values.size(), model.info().items,
                                    kMost)};
  }
  users_.emplace(dataset.user_ids(), model.id_key(), IdSide::user);
  segments_.assign(attribute_.values.size(), std::vector<float>(model.info().items));
  for (std::uint32_t strip = 0; strip < dataset.grid().strips(); ++strip) {
    dataset.verify(StripId{strip});
    for_each_interaction(dataset, Part::train, StripId{strip}, [&](auto user, auto item, float) {
      const auto codes = attribute_.codes_of(user);
      const auto row = source.match.item(item);
      if (!codes.empty() && row) segments_[codes.front()][*row] += 1;
    });
  }
}

Popularity::Ranking Popularity::of(const std::string& user_id) const {
  if (!segments_.empty()) {
    const auto row = users_->find(user_id);
    if (row && !attribute_.codes_of(*row).empty()) {
      const std::uint32_t value = attribute_.codes_of(*row).front();
      return {fmt::format("popularity:{}={}", attribute_.name, attribute_.values[value]),
              segments_[value]};
    }
  }
  return {"popularity", counts_};
}

}  // namespace factorps::apps

#include "apps/dataset_fold_in.hpp"

#include "apps/evaluation.hpp"

namespace factorps::apps {

DatasetFoldIn::Strip::Strip(const DatasetFoldIn& fold, StripId strip)
    : fold_{fold}, users_{fold.dataset_.grid().users_of(strip)}, histories_(users_.size()) {
  collect(Part::fold_in, strip, histories_);
  if (!fold.everybody_) return;
  std::vector<One> training(users_.size());
  collect(Part::train, strip, training);
  for (std::size_t n = 0; n < histories_.size(); ++n) {
    if (histories_[n].items.empty()) histories_[n] = std::move(training[n]);
  }
}

void DatasetFoldIn::Strip::collect(Part part, StripId strip, std::vector<One>& histories) const {
  if (fold_.dataset_.interactions(part) == 0) return;
  for_each_interaction(fold_.dataset_, part, strip, [&](auto user, auto item, float value) {
    const auto row = fold_.match_.item(item);
    if (!row) return;
    One& one = histories[user - users_.begin];
    one.items.push_back(static_cast<std::uint32_t>(*row));
    one.values.push_back(fold_.model_.info().normalisation.apply(0, *row, value));
  });
}

FoldedRow DatasetFoldIn::Strip::row(std::uint64_t user) const {
  const One& one = histories_[user - users_.begin];
  return fold_.fold_.row({one.items, one.values});
}

}  // namespace factorps::apps

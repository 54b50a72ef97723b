#include "apps/seen_items.hpp"

#include <algorithm>
#include <numeric>

#include <fmt/core.h>

#include "apps/evaluation.hpp"

namespace factorps::apps {
namespace {

/// Calls visit(user row, item row) of the model for every training pair that the model knows.
template <class Visit>
void for_each_pair(const Dataset& dataset, const RowMatch& match, Visit visit) {
  for (std::uint32_t strip = 0; strip < dataset.grid().strips(); ++strip) {
    dataset.verify(StripId{strip});
    for_each_interaction(dataset, Part::train, StripId{strip}, [&](auto user, auto item, float) {
      const auto u = match.user(user);
      const auto i = match.item(item);
      if (u && i) visit(*u, static_cast<std::uint32_t>(*i));
    });
  }
}

}  // namespace

SeenItems::SeenItems(const Model& model, const std::filesystem::path& dataset_path)
    : model_{&model} {
  if (!dataset_path.empty()) {
    const Dataset dataset{dataset_path};
    collect(dataset, RowMatch{model, dataset});
  } else if (model.info().users > 0 && !model.seen(0)) {
    throw DataError{
        fmt::format("{} does not hold what users have seen (run.store_seen = false): expected "
                    "--dataset DATASET or --include-seen",
                    model.path().string())};
  }
}

void SeenItems::collect(const Dataset& dataset, const RowMatch& match) {
  offsets_.resize(model_->info().users + 1);
  for_each_pair(dataset, match, [&](auto user, auto) { ++offsets_[user + 1]; });
  std::partial_sum(offsets_.begin(), offsets_.end(), offsets_.begin());
  items_.resize(offsets_.back());
  std::vector<std::uint64_t> next(offsets_.begin(), offsets_.end() - 1);
  for_each_pair(dataset, match, [&](auto user, auto item) { items_[next[user]++] = item; });
  for (std::size_t user = 0; user < next.size(); ++user) {
    const auto begin = items_.begin() + static_cast<std::ptrdiff_t>(offsets_[user]);
    std::sort(begin, items_.begin() + static_cast<std::ptrdiff_t>(next[user]));
  }
}

std::span<const std::uint32_t> SeenItems::of(std::uint64_t user) const {
  if (offsets_.empty()) return *model_->seen(user);
  return std::span{items_}.subspan(offsets_[user], offsets_[user + 1] - offsets_[user]);
}

}  // namespace factorps::apps

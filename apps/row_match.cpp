#include "apps/row_match.hpp"

#include <algorithm>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "common/error.hpp"
#include "io/config.hpp"

namespace factorps::apps {
namespace {

std::vector<std::optional<std::uint64_t>> match(const IdTable& from, const IdTable& to) {
  std::vector<std::optional<std::uint64_t>> rows(from.size());
  for (std::uint64_t row = 0; row < rows.size(); ++row) rows[row] = to.find(from.text(row));
  return rows;
}

}  // namespace

std::string trained_fingerprint(const Model& model) {
  const auto provenance = nlohmann::json::parse(model.info().provenance, nullptr, false);
  if (!provenance.is_object()) return {};
  const auto found = provenance.find("dataset_fingerprint");
  return found != provenance.end() && found->is_string() ? found->get<std::string>() : "";
}

Model open_model(const ModelOptions& options, const Config& config) {
  const auto path = options.model.empty() ? config.run.dir / "model.h5" : options.model;
  if (!std::filesystem::exists(path)) {
    throw DataError{fmt::format(
        "{}: no such model; expected the model.h5 of a training that has ended", path.string())};
  }
  Model model{path};
  model.verify();
  return model;
}

RowMatch::RowMatch(const Model& model, const Dataset& dataset)
    : same_{trained_fingerprint(model) == dataset.fingerprint()} {
  const ModelInfo& info = model.info();
  const Grid& grid = dataset.grid();
  if (!same_) {
    users_ = match(dataset.user_ids(), model.user_ids());
    items_ = match(dataset.item_ids(), model.item_ids());
  } else if (info.users != grid.users() || info.items != grid.items()) {
    throw DataError{fmt::format(
        "{} has {} users and {} items, expected {} and {} as in {}, which it was trained on",
        model.path().string(), info.users, info.items, grid.users(), grid.items(),
        dataset.path().string())};
  }
}

std::string RowMatch::describe() const {
  if (same_) return "the dataset that the model was trained on";
  return fmt::format(
      "another dataset than the model was trained on, matched by external id: "
      "{} of {} users and {} of {} items are unknown to the model",
      std::count(users_.begin(), users_.end(), std::nullopt), users_.size(),
      std::count(items_.begin(), items_.end(), std::nullopt), items_.size());
}

}  // namespace factorps::apps

#include "apps/row_match.hpp"

#include <algorithm>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "common/error.hpp"
#include "io/config.hpp"
#include "io/json_text.hpp"

namespace factorps::apps {
namespace {

std::vector<std::optional<std::uint64_t>> match(const IdTable& from, const IdFinder& to) {
  std::vector<std::optional<std::uint64_t>> rows(from.size());
  for (std::uint64_t row = 0; row < rows.size(); ++row) rows[row] = to.find(from.text(row));
  return rows;
}

/// Rows of other data are matched by ids.
void require_ids(const Model& model) {
  if (form_of(model.user_ids()).kind != IdKind::rows &&
      form_of(model.item_ids()).kind != IdKind::rows)
    return;
  throw DataError{fmt::format(
      "{} does not hold all ids (run.store_ids): expected the dataset that it was trained on",
      model.path().string())};
}

}  // namespace

std::string trained_fingerprint(const Model& model) {
  const auto provenance = parse_json(model.info().provenance);
  if (!provenance.is_object()) return {};
  const auto found = provenance.find("dataset_fingerprint");
  return found != provenance.end() && found->is_string() ? found->get<std::string>() : "";
}

std::optional<IdKey> id_key_of(const Config& config) {
  if (config.data.id_key_file.empty()) return std::nullopt;
  return IdKey::read(config.data.id_key_file);
}

Model open_model(const ModelOptions& options, const Config& config) {
  const auto path = options.model.empty() ? config.run.dir / "model.h5" : options.model;
  if (!std::filesystem::exists(path)) {
    throw DataError{fmt::format(
        "{}: no such model; expected the model.h5 of a training that has ended", path.string())};
  }
  Model model{path};
  model.verify();
  model.use_key(id_key_of(config));
  return model;
}

RowMatch::RowMatch(const Model& model, const Dataset& dataset)
    : same_{trained_fingerprint(model) == dataset.fingerprint()} {
  const ModelInfo& info = model.info();
  const Grid& grid = dataset.grid();
  if (!same_) {
    require_ids(model);
    users_ = match(dataset.user_ids(), model.find_users());
    items_ = match(dataset.item_ids(), model.find_items());
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

#include "apps/personal_data.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "io/id_key.hpp"
#include "io/json_text.hpp"

namespace factorps::apps {
namespace {

using Json = nlohmann::ordered_json;

std::string describe(const IdTable& ids) {
  const IdForm form = form_of(ids);
  switch (form.kind) {
    case IdKind::hashed:
      return fmt::format("keyed hashes (key {})", form.key);
    case IdKind::rows:
      return "none";
    case IdKind::raw:
      break;
  }
  return "as they came";
}

/// Messages of prepare quote the rows that it could not use.
bool quotes_rows(const std::string& summary) {
  const Json prepare = parse_ordered_json(summary);
  const auto pointer = Json::json_pointer("/bad_rows/first");
  return prepare.is_object() && prepare.contains(pointer) && !prepare[pointer].empty();
}

}  // namespace

Json personal_data(const Dataset& dataset) {
  Json json{{"user_ids", describe(dataset.user_ids())},
            {"item_ids", describe(dataset.item_ids())},
            {"interactions", "of every user, with values"}};
  const auto names = dataset.user_attribute_names();
  if (!names.empty()) json["user_attributes"] = fmt::format("{}", fmt::join(names, ", "));
  if (quotes_rows(dataset.summary())) json["quoted_rows"] = "bad rows of the source files";
  return json;
}

Json personal_data(const Model& model) {
  const bool seen = model.info().users > 0 && model.seen(0).has_value();
  Json json{{"user_ids", describe(model.user_ids())},
            {"item_ids", describe(model.item_ids())},
            {"seen_items", seen ? "of every user" : "none"},
            {"rows", "factors and number of training interactions of every user"}};
  if (model.info().normalisation.by == NormaliseBy::user)
    json["user_values"] = "offset and scale of every user's values";
  return json;
}

}  // namespace factorps::apps

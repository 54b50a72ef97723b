#include "apps/frozen_rows.hpp"

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "apps/id_file.hpp"
#include "apps/row_match.hpp"
#include "common/error.hpp"
#include "ps/rows/attribute_lists.hpp"
#include "ps/rows/distinct_rows.hpp"

namespace factorps::apps {
namespace {

/// @param what "user" or "item"
std::vector<std::uint64_t> rows_in_file(const std::filesystem::path& file, const char* what,
                                        const IdFinder& ids, const Dataset& dataset) {
  std::vector<std::uint64_t> rows;
  for_each_id_line(file, what, [&](std::uint64_t line, const std::string& id) {
    const auto row = ids.find(id);
    if (!row) {
      throw DataError{fmt::format("{}:{}: {} '{}', expected one that {} has (rows.frozen_{}s){}",
                                  file.string(), line, what, id, dataset.path().string(), what,
                                  ids.hint())};
    }
    rows.push_back(*row);
  });
  ps::make_distinct(rows);
  return rows;
}

/// Adds the features of what is called `name` or `name=value`. @return whether there are any
bool add_features(const ps::AttributeLists& lists, std::string_view text,
                  std::vector<std::uint64_t>& rows) {
  bool found = false;
  std::uint64_t first = lists.first();
  for (const AttributeFeature& attribute : lists.attributes()) {
    if (text == attribute.name) {
      found = true;
      for (std::uint64_t n = 0; n < attribute.size(); ++n) rows.push_back(first + n);
    }
    for (std::size_t n = 0; n < attribute.values.size(); ++n) {
      if (text != fmt::format("{}={}", attribute.name, attribute.values[n])) continue;
      found = true;
      rows.push_back(first + n);
    }
    first += attribute.size();
  }
  return found;
}

std::vector<std::uint64_t> frozen_features(const Config& config, const Dataset& dataset) {
  const ps::AttributeLists users{dataset, true, config.model.user_attributes, 0};
  const ps::AttributeLists items{dataset, false, config.model.item_attributes, users.end()};
  std::vector<std::uint64_t> rows;
  for (const std::string& text : config.rows.frozen_attributes) {
    const std::string_view name{text};
    const bool found = (name.starts_with("users.") && add_features(users, name.substr(6), rows)) ||
                       (name.starts_with("items.") && add_features(items, name.substr(6), rows));
    if (found) continue;
    throw ConfigError{fmt::format(
        "rows.frozen_attributes: \"{}\", expected \"users.NAME\", \"users.NAME=VALUE\", "
        "\"items.NAME\" or \"items.NAME=VALUE\" with a name of model.user_attributes or "
        "model.item_attributes, and a value of {}",
        text, dataset.path().string())};
  }
  ps::make_distinct(rows);
  return rows;
}

}  // namespace

void find_frozen_rows(const Config& config, const Dataset& dataset, ps::RowSettings& settings) {
  const RowsConfig& rows = config.rows;
  if (!rows.frozen_users.empty()) {
    const IdFinder ids{dataset.user_ids(), id_key_of(config), IdSide::user};
    settings.frozen_users = rows_in_file(rows.frozen_users, "user", ids, dataset);
  }
  if (!rows.frozen_items.empty()) {
    const IdFinder ids{dataset.item_ids(), id_key_of(config), IdSide::item};
    settings.frozen_items = rows_in_file(rows.frozen_items, "item", ids, dataset);
  }
  if (!rows.frozen_attributes.empty()) settings.frozen_features = frozen_features(config, dataset);
}

}  // namespace factorps::apps

#include "apps/chosen_attribute.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/error.hpp"

namespace factorps::apps {
namespace {

std::vector<std::string> all_names(const Dataset& dataset) {
  std::vector<std::string> names;
  for (const std::string& name : dataset.item_attribute_names()) names.push_back("items:" + name);
  for (const std::string& name : dataset.user_attribute_names()) names.push_back("users:" + name);
  return names;
}

[[noreturn]] void refuse(const Dataset& dataset, const std::string& option, const std::string& name,
                         const std::string& why) {
  const auto names = all_names(dataset);
  throw ConfigError{
      fmt::format("{} {}: {}; {} has {}", option, name, why, dataset.path().string(),
                  names.empty() ? "no attributes" : fmt::format("{}", fmt::join(names, ", ")))};
}

}  // namespace

ChosenAttribute choose_attribute(const Dataset& dataset, const std::string& option,
                                 const std::string& name) {
  std::vector<std::string> found;
  for (const std::string& full : all_names(dataset)) {
    if (full == name || full.substr(full.find(':') + 1) == name) found.push_back(full);
  }
  if (std::ranges::count(found, name) > 0) found = {name};
  if (found.empty()) refuse(dataset, option, name, "no such attribute");
  if (found.size() > 1) refuse(dataset, option, name, "of items or of users?");
  const bool of_users = found.front().starts_with("users:");
  const std::string own = found.front().substr(found.front().find(':') + 1);
  ChosenAttribute chosen{of_users,
                         of_users ? *dataset.user_attribute(own) : *dataset.item_attribute(own)};
  if (chosen.attribute.kind == AttributeKind::number)
    refuse(dataset, option, name, "holds numbers, expected categories or tags");
  return chosen;
}

Attribute choose_item_attribute(const Dataset& dataset, const std::string& option,
                                const std::string& name) {
  const bool full = name.starts_with("items:");
  ChosenAttribute chosen = choose_attribute(dataset, option, full ? name : "items:" + name);
  return std::move(chosen.attribute);
}

}  // namespace factorps::apps

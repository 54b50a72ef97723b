/// Attributes that options name.
#pragma once

#include <string>

#include "io/dataset.hpp"

namespace factorps::apps {

struct ChosenAttribute {
  bool of_users = false;
  Attribute attribute;  ///< category or tags

  /// "items:department"
  [[nodiscard]] std::string full_name() const {
    return (of_users ? "users:" : "items:") + attribute.name;
  }
};

/// @param name of an attribute of items or users; "items:NAME" or "users:NAME" if both have it
/// @param option names the place in errors
/// @throws ConfigError if there is none, or it holds numbers, saying which there are
[[nodiscard]] ChosenAttribute choose_attribute(const Dataset& dataset, const std::string& option,
                                               const std::string& name);
/// The same, of items only.
[[nodiscard]] Attribute choose_item_attribute(const Dataset& dataset, const std::string& option,
                                              const std::string& name);

}  // namespace factorps::apps

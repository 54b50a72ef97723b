/// What is popular: the fall-back for users of whom nothing is known.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apps/asked_users.hpp"
#include "apps/item_filter.hpp"
#include "io/model_file.hpp"

namespace factorps::apps {

/// How often each item was interacted with in training: by everybody, or by the users of a segment.
class Popularity {
 public:
  struct Ranking {
    std::string basis;              ///< popularity, or popularity:NAME=VALUE
    std::span<const float> counts;  ///< [item of the model]; NaN: not allowed
  };

  /// @param segments_by user attribute; empty: none
  /// @param source needed for segments only
  /// @throws ConfigError if that is not an attribute with texts; ResourceError if the segments have
  ///         more counts than fit
  Popularity(const Model& model, const ItemFilter& filter, const std::string& segments_by,
             const AttributeSource* source);

  /// A user who has several values counts for the first of them; without any: everybody's.
  [[nodiscard]] Ranking of(const std::string& user_id) const;

 private:
  void count(const Model& model, const AttributeSource& source);

  std::vector<float> counts_;
  Attribute attribute_;                       // of users, if there are segments
  std::optional<IdFinder> users_;             // of the dataset, if there are segments
  std::vector<std::vector<float>> segments_;  // [value of the attribute]
};

}  // namespace factorps::apps

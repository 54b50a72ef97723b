/// Which items may be recommended.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "apps/commands.hpp"
#include "apps/row_match.hpp"
#include "eval/topk.hpp"
#include "io/attributes.hpp"
#include "io/dataset.hpp"
#include "io/model_file.hpp"

namespace factorps::apps {

/// A dataset for its attributes, and which of its rows are which of the model.
struct AttributeSource {
  AttributeSource(const Model& model, const std::filesystem::path& path)
      : dataset{path}, match{model, dataset} {}
  Dataset dataset;
  RowMatch match;
  /// @throws ConfigError if there is none, naming those that there are
  [[nodiscard]] Attribute item_attribute(const std::string& name) const;
  [[nodiscard]] Attribute user_attribute(const std::string& name) const;
};

/// Items are rows of the model.
class ItemFilter {
 public:
  /// @param source needed for `where` and `quotas` only
  /// @throws ConfigError if the options cannot be read, DataError naming file and line
  ItemFilter(const ItemFilterOptions& options, const Model& model, const AttributeSource* source);

  [[nodiscard]] bool allows(std::uint32_t item) const {
    return allowed_.empty() || allowed_[item] != 0;
  }
  /// Items of a list that are not in the model, of all files.
  [[nodiscard]] std::uint64_t unknown_items() const noexcept { return unknown_; }
  /// The scores, NaN for items that are not allowed: eval::top_k leaves them out.
  [[nodiscard]] std::vector<float> mask(std::span<const float> scores) const;
  [[nodiscard]] bool has_quotas() const noexcept { return !quotas_.empty(); }
  /// From the best on: every item that finds room in all quotas, up to `count`. Items without a
  /// value need none.
  [[nodiscard]] std::vector<eval::ScoredItem> pick(std::span<const eval::ScoredItem> ranked,
                                                   std::size_t count) const;
  /// Two filters are equal if these are.
  [[nodiscard]] std::string identity() const;

 private:
  struct Quota {
    std::string text;  // NAME=N
    std::uint64_t most = 0;
    std::uint32_t values = 0;
    std::vector<std::uint64_t> offsets;  // [item], plus the end
    std::vector<std::uint32_t> codes;
  };
  /// Keeps those items that `keep` says, by row of the model.
  template <class Keep>
  void restrict(Keep keep);
  void apply_where(const std::vector<std::string>& where, const AttributeSource& source);
  void add_quota(const std::string& text, const AttributeSource& source);

  std::uint64_t items_;
  std::vector<std::uint8_t> allowed_;  // [item]; empty: all
  std::vector<Quota> quotas_;
  std::uint64_t unknown_ = 0;
};

}  // namespace factorps::apps

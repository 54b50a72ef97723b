/// Which row of a model each row of a dataset is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "apps/commands.hpp"
#include "io/config.hpp"
#include "io/dataset.hpp"
#include "io/id_key.hpp"
#include "io/model_file.hpp"

namespace factorps::apps {

/// The rows are the same if the model was trained on this very dataset (its provenance holds the
/// fingerprint); otherwise rows are matched by external id.
class RowMatch {
 public:
  /// @throws DataError if the fingerprints are equal but the numbers of rows are not
  RowMatch(const Model& model, const Dataset& dataset);

  [[nodiscard]] bool same_dataset() const noexcept { return same_; }
  /// The model's row; nothing if the model does not know the user.
  [[nodiscard]] std::optional<std::uint64_t> user(std::uint64_t row) const {
    return same_ ? row : users_[row];
  }
  [[nodiscard]] std::optional<std::uint64_t> item(std::uint64_t row) const {
    return same_ ? row : items_[row];
  }
  /// One line for people.
  [[nodiscard]] std::string describe() const;

 private:
  bool same_;
  std::vector<std::optional<std::uint64_t>> users_;  // [dataset row], empty if same_
  std::vector<std::optional<std::uint64_t>> items_;
};

/// The fingerprint of the dataset that a model was trained on; empty if its provenance has none.
[[nodiscard]] std::string trained_fingerprint(const Model& model);

/// The key of data.id_key_file, if there is one. @throws ConfigError
[[nodiscard]] std::optional<IdKey> id_key_of(const Config& config);

/// The model that the options name, or that of the config's run; it has the key of ids.
/// @throws DataError
[[nodiscard]] Model open_model(const ModelOptions& options, const Config& config);

}  // namespace factorps::apps

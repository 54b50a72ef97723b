/// Who gets recommendations, in the order of the output.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apps/commands.hpp"
#include "io/config.hpp"
#include "io/id_table.hpp"
#include "io/model_file.hpp"

namespace factorps::apps {

/// One user. A user with a history of their own is known by it alone.
struct Asked {
  std::string id;
  std::optional<std::uint64_t> row;  ///< nothing: not in the model, or with a history
  bool own_history = false;
  std::vector<std::uint32_t> items;  ///< of that history: rows of the model, ascending
  std::vector<float> values;         ///< as many, in the units of the training
};

class AskedUsers {
 public:
  /// Every user of the model.
  explicit AskedUsers(const Model& model);
  /// A user per line, written as in the output, so that its first column can be asked for again.
  /// @throws DataError naming file and line
  [[nodiscard]] static AskedUsers of_file(const std::filesystem::path& path, const Model& model);
  /// Users with histories: user, item and, if wanted, value in the file; those of one user need not
  /// follow each other. Of an item that a user has several times, values are summed up or the last
  /// one counts. @param path "-": stdin
  /// @throws DataError naming file and line, or if values are wanted and not there
  [[nodiscard]] static AskedUsers of_histories(const std::filesystem::path& path,
                                               const DataConfig& config, const Model& model,
                                               bool values, bool sum);

  /// Whether they are all users of the model: no one is unknown, and the model says who they are.
  [[nodiscard]] bool everybody() const noexcept { return ids_.has_value(); }
  [[nodiscard]] std::size_t size() const noexcept { return ids_ ? ids_->size() : users_.size(); }
  [[nodiscard]] Asked at(std::size_t n) const {
    return ids_ ? Asked{ids_->text(n), n, false, {}, {}} : users_[n];
  }
  /// Interactions of the histories whose item the model does not know.
  [[nodiscard]] std::uint64_t unknown_items() const noexcept { return unknown_items_; }
  /// Why a user that is right might be unknown (IdFinder::hint()); or empty.
  [[nodiscard]] const std::string& hint() const noexcept { return hint_; }

 private:
  AskedUsers() = default;

  std::optional<IdTable> ids_;  // all of them; or
  std::vector<Asked> users_;
  std::uint64_t unknown_items_ = 0;
  std::string hint_;
};

}  // namespace factorps::apps

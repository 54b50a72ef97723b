/// Keyed hashes in the place of external ids (data.id_key_file), so that a file may be handed on
/// without saying whose rows it holds. docs/decisions/0014.
///
/// A hashed id says that it is one: "b2:", the fingerprint of the key, ":", the hash
/// (b2:0f3c9a71:5d41402abc4b2a76b9719d911017c592). To everything else it is an id like others.
/// Where ids are left out altogether (run.store_ids), rows are called "row:0", "row:1" ...
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "common/keyed_hash.hpp"
#include "io/id_table.hpp"

namespace factorps {

/// What ids are of: the same text is another hash for a user than for an item.
enum class IdSide { user, item };

class IdKey {
 public:
  static constexpr std::size_t kLeastBytes = 16;

  /// The bytes of the file, without a line end at their end.
  /// @throws ConfigError if others than the owner may read the file, or it holds fewer than
  /// kLeastBytes or more than KeyedHash::kMostKeyBytes
  [[nodiscard]] static IdKey read(const std::filesystem::path& file);

  /// What stands for an id in files.
  [[nodiscard]] std::string hash(IdSide side, std::string_view id) const;
  /// Tells keys apart and says nothing else of them; eight hexadecimal digits.
  [[nodiscard]] const std::string& fingerprint() const noexcept { return fingerprint_; }

 private:
  explicit IdKey(std::span<const std::byte> key);

  KeyedHash users_;
  KeyedHash items_;
  std::string fingerprint_;
};

/// The key of a hashed id, by its fingerprint; nothing: it is no hashed id.
[[nodiscard]] std::optional<std::string> key_of_id(std::string_view id);

/// What a table's ids are.
enum class IdKind { raw, hashed, rows };
struct IdForm {
  IdKind kind = IdKind::raw;
  std::string key;  ///< hashed: fingerprint
};
/// hashed, rows: all of them. A table without rows is raw.
[[nodiscard]] IdForm form_of(const IdTable& ids);

/// Names for rows without ids.
[[nodiscard]] IdTable row_names(std::uint64_t rows);

/// Finds rows by the ids that are used outside.
class IdFinder {
 public:
  /// By what is stored.
  // NOLINTNEXTLINE(google-explicit-constructor): it knows no explicit(false)
  explicit(false) IdFinder(IdTable ids) : IdFinder{std::move(ids), std::nullopt, IdSide::user} {}
  /// @param key of the ids, if they are hashes and it is known
  /// @throws ConfigError if the ids are hashes with another key
  IdFinder(IdTable ids, const std::optional<IdKey>& key, IdSide side);

  /// The row of an id, or of a hash that is given as it is stored. Not thread-safe.
  [[nodiscard]] std::optional<std::uint64_t> find(std::string_view id) const;
  [[nodiscard]] const IdTable& table() const noexcept { return ids_; }
  /// Why an id that is right might not be found, in brackets; empty if there is no such reason.
  [[nodiscard]] std::string hint() const;

 private:
  IdTable ids_;
  std::optional<IdKey> key_;
  IdSide side_;
};

}  // namespace factorps

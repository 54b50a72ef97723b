#include "io/id_key.hpp"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "common/error.hpp"
#include "io/files.hpp"

namespace factorps {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "b2:";
constexpr std::size_t kFingerprintDigits = 8;
constexpr std::size_t kHashDigits = 32;
constexpr std::string_view kRowPrefix = "row:";

[[noreturn]] void refuse(const fs::path& file, const std::string& what) {
  throw ConfigError{fmt::format("{}: {} (data.id_key_file)", file.string(), what)};
}

/// @throws ConfigError if this is no file that only its owner reads
void check_file(const fs::path& file) {
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (error || !fs::exists(status)) refuse(file, "no such file, expected a secret key");
  if (!fs::is_regular_file(status)) refuse(file, "is no file, expected a secret key");
  constexpr fs::perms kOthers = fs::perms::group_all | fs::perms::others_all;
  if ((status.permissions() & kOthers) == fs::perms::none) return;
  refuse(file, fmt::format("has mode {:04o}, expected that only its owner may read it: chmod 600",
                           static_cast<unsigned>(status.permissions() & fs::perms::mask)));
}

}  // namespace

IdKey::IdKey(std::span<const std::byte> key)
    : users_{key, "factorps users"},
      items_{key, "factorps items"},
      fingerprint_{KeyedHash{key, "factorps key"}.of("").substr(0, kFingerprintDigits)} {}

IdKey IdKey::read(const fs::path& file) {
  check_file(file);
  constexpr std::uintmax_t kMostBytes = KeyedHash::kMostKeyBytes + 2;
  std::string bytes;
  if (fs::file_size(file) <= kMostBytes) bytes = read_file(file);
  if (bytes.ends_with('\n')) bytes.pop_back();
  if (bytes.ends_with('\r')) bytes.pop_back();
  const std::size_t size = bytes.size();
  if (size < kLeastBytes || size > KeyedHash::kMostKeyBytes) {
    wipe(bytes);
    refuse(file,
           fmt::format("expected a key of {} to {} bytes", kLeastBytes, KeyedHash::kMostKeyBytes));
  }
  IdKey key{std::as_bytes(std::span{bytes})};
  wipe(bytes);
  return key;
}

std::string IdKey::hash(IdSide side, std::string_view id) const {
  const KeyedHash& hash = side == IdSide::user ? users_ : items_;
  return fmt::format("{}{}:{}", kPrefix, fingerprint_, hash.of(id));
}

std::optional<std::string> key_of_id(std::string_view id) {
  constexpr std::size_t kColon = kPrefix.size() + kFingerprintDigits;
  if (id.size() != kColon + 1 + kHashDigits || !id.starts_with(kPrefix) || id[kColon] != ':')
    return std::nullopt;
  const std::string_view fingerprint = id.substr(kPrefix.size(), kFingerprintDigits);
  const std::string_view hash = id.substr(kColon + 1);
  constexpr std::string_view kDigits = "0123456789abcdef";
  if (fingerprint.find_first_not_of(kDigits) != std::string_view::npos ||
      hash.find_first_not_of(kDigits) != std::string_view::npos) {
    return std::nullopt;
  }
  return std::string{fingerprint};
}

IdForm form_of(const IdTable& ids) {
  if (ids.size() == 0 || ids.integers()) return {};
  const auto key = key_of_id(ids.text(0));
  IdForm form{key ? IdKind::hashed : IdKind::rows, key.value_or("")};
  for (std::uint64_t row = 0; row < ids.size(); ++row) {
    const std::string id = ids.text(row);
    const bool same = key ? key_of_id(id) == key : id == fmt::format("{}{}", kRowPrefix, row);
    if (!same) return {};
  }
  return form;
}

IdTable row_names(std::uint64_t rows) {
  std::vector<std::uint64_t> offsets{0};
  std::string bytes;
  for (std::uint64_t row = 0; row < rows; ++row) {
    bytes += fmt::format("{}{}", kRowPrefix, row);
    offsets.push_back(bytes.size());
  }
  return IdTable::of_strings(std::move(offsets), std::move(bytes));
}

IdFinder::IdFinder(IdTable ids, const std::optional<IdKey>& key, IdSide side)
    : ids_{std::move(ids)}, side_{side} {
  if (!key || ids_.size() == 0) return;
  const auto used = key_of_id(ids_.text(0));
  if (!used) return;
  if (*used != key->fingerprint()) {
    throw ConfigError{fmt::format(
        "data.id_key_file: is another key than ids were hashed with: its fingerprint is {}, "
        "expected {}",
        key->fingerprint(), *used)};
  }
  key_ = key;
}

std::optional<std::uint64_t> IdFinder::find(std::string_view id) const {
  if (key_) {
    if (const auto row = ids_.find(key_->hash(side_, id))) return row;
  }
  return ids_.find(id);
}

std::string IdFinder::hint() const {
  const IdForm form = key_ ? IdForm{} : form_of(ids_);
  switch (form.kind) {
    case IdKind::hashed:
      return fmt::format(
          " (ids are keyed hashes here, data.id_key_file = the key with fingerprint {} finds them)",
          form.key);
    case IdKind::rows:
      return " (ids were not stored here, run.store_ids: rows are called row:0, row:1 ...)";
    case IdKind::raw:
      break;
  }
  return {};
}

}  // namespace factorps

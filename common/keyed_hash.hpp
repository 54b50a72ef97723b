/// Keyed hashes: equal texts get equal hashes, and without the key nobody can tell whose they are.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace factorps {

/// BLAKE2b with a key (Saarinen and Aumasson, RFC 7693, 2015), 16 bytes. Not thread-safe.
class KeyedHash {
 public:
  static constexpr std::size_t kMostKeyBytes = 64;
  static constexpr std::size_t kMostPurposeBytes = 16;

  /// @param key of 1 to kMostKeyBytes; it is copied
  /// @param purpose hashes for different purposes have nothing in common
  KeyedHash(std::span<const std::byte> key, std::string_view purpose);
  KeyedHash(const KeyedHash& other);
  KeyedHash(KeyedHash&& other) noexcept;
  KeyedHash& operator=(KeyedHash other) noexcept;
  ~KeyedHash();

  /// 32 lower-case hexadecimal digits.
  [[nodiscard]] std::string of(std::string_view text) const;

 private:
  struct Impl;
  explicit KeyedHash(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Overwrites a text that nobody else may read, and empties it.
void wipe(std::string& text) noexcept;

}  // namespace factorps

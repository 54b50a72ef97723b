/// A file that is read and written at any place, in full or with an error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace factorps {

/// Thread-safe, except for moves: no position is shared.
class RawFile {
 public:
  /// @throws ResourceError
  [[nodiscard]] static RawFile open_to_read(const std::filesystem::path& path);
  /// Of a file that is there. @throws ResourceError
  [[nodiscard]] static RawFile open_to_write(const std::filesystem::path& path);

  RawFile(RawFile&& other) noexcept;
  RawFile& operator=(RawFile&&) = delete;
  ~RawFile();

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  /// Bytes. @throws ResourceError
  [[nodiscard]] std::uint64_t size() const;
  /// Fills `bytes`. @throws ResourceError, also if the file ends before
  void read_at(std::uint64_t offset, std::span<std::byte> bytes) const;
  /// @throws ResourceError
  void write_at(std::uint64_t offset, std::span<const std::byte> bytes) const;
  /// Forces what was written to disk. @throws ResourceError
  void sync() const;
  /// Lets the system drop what it holds of the file in memory, so that reading it means the disk.
  void forget() const noexcept;

 private:
  RawFile(const std::filesystem::path& path, int flags);
  [[noreturn]] void fail(const char* what) const;

  std::filesystem::path path_;
  int descriptor_;
};

}  // namespace factorps

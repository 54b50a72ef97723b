/// A file that is read and written at any place, in full or with an error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <new>
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
  /// From now on whole pages go between memory and disk without a copy in the system's memory,
  /// where the file system can do that: of pieces that begin at a multiple of kPage, both in the
  /// file and in memory. For data that nobody reads soon.
  void go_direct() noexcept;

  static constexpr std::size_t kPage = 4096;  ///< bytes

 private:
  RawFile(const std::filesystem::path& path, int flags);
  [[noreturn]] void fail(const char* what) const;
  template <class Move>
  [[nodiscard]] std::size_t transfer(std::uint64_t offset, std::span<const std::byte> bytes,
                                     const Move& move) const;
  [[nodiscard]] std::size_t direct_bytes(std::uint64_t offset,
                                         std::span<const std::byte> bytes) const noexcept;

  std::filesystem::path path_;
  int flags_;
  int descriptor_;
  int direct_ = -1;  // the same file without the system's memory; none: it cannot be had
};

/// Memory for pieces of a file, on pages of its own; not filled with anything.
class PieceBuffer {
 public:
  explicit PieceBuffer(std::size_t bytes)
      : data_{static_cast<std::byte*>(::operator new (bytes, std::align_val_t{RawFile::kPage}))},
        size_{bytes} {}

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::span<std::byte> first(std::size_t bytes) const noexcept {
    return {data_.get(), bytes};
  }

 private:
  struct Free {
    void operator()(std::byte* p) const noexcept {
      ::operator delete (p, std::align_val_t{RawFile::kPage});
    }
  };
  std::unique_ptr<std::byte, Free> data_;
  std::size_t size_;
};

}  // namespace factorps

/// Bytes of a text file, decompressed on the way. The kind is told from the first bytes, not from
/// the name: gzip (also several members in a row), zstd (also several frames) or plain.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <span>

namespace factorps {

enum class Compression { none, gzip, zstd };

/// @throws DataError if the file cannot be read
[[nodiscard]] Compression compression_of(const std::filesystem::path& path);

/// A stream of bytes.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Fills `into` as far as there are bytes. @return bytes written; 0 only at the end
  /// @throws DataError naming the file if it is damaged, ends early or cannot be read
  [[nodiscard]] virtual std::size_t read(std::span<char> into) = 0;
};

/// Opens a file. Only a plain one can be read in part.
/// @param begin, end bytes of a plain file
[[nodiscard]] std::unique_ptr<ByteSource> open_source(
    const std::filesystem::path& path, std::uint64_t begin = 0,
    std::uint64_t end = std::numeric_limits<std::uint64_t>::max());

}  // namespace factorps

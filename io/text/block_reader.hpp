/// Text in large blocks, so that parsers run over memory and never over single lines of a stream.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "io/text/byte_source.hpp"

namespace factorps {

/// A window over a stream: fill() adds bytes at its end, consume() drops them from its start.
class BlockReader {
 public:
  static constexpr std::size_t kBlockBytes = 1 << 21;
  static constexpr std::size_t kMostBytes = std::size_t{1} << 28;  ///< of one line or record

  explicit BlockReader(std::unique_ptr<ByteSource> source, std::size_t block_bytes = kBlockBytes);

  /// Reads on. A last line without an end gets one. @return false if there is nothing more
  /// @throws DataError if the window would exceed kMostBytes
  bool fill();
  /// What has been read and not consumed. Valid until the next fill().
  [[nodiscard]] std::string_view window() const noexcept {
    return {buffer_.data() + begin_, end_ - begin_};
  }
  void consume(std::size_t bytes) noexcept { begin_ += bytes; }

 private:
  std::unique_ptr<ByteSource> source_;
  std::size_t block_bytes_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool at_end_ = false;
};

/// First byte at or after `offset` where a line of a plain file starts; the size if there is none.
[[nodiscard]] std::uint64_t next_line_start(const std::filesystem::path& path,
                                            std::uint64_t offset);

/// Line ends in the first `bytes` bytes of a plain file.
[[nodiscard]] std::uint64_t count_lines(const std::filesystem::path& path, std::uint64_t bytes);

}  // namespace factorps

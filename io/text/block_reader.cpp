#include "io/text/block_reader.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "common/error.hpp"

namespace factorps {

BlockReader::BlockReader(std::unique_ptr<ByteSource> source, std::size_t block_bytes)
    : source_{std::move(source)}, block_bytes_{block_bytes} {}

bool BlockReader::fill() {
  if (at_end_) return false;
  std::copy(buffer_.data() + begin_, buffer_.data() + end_, buffer_.data());
  end_ -= std::exchange(begin_, 0);
  // At least as much again as is there: a line longer than a block costs linear time.
  const std::size_t wanted = std::max(block_bytes_, end_);
  if (end_ + wanted > kMostBytes) {
    throw DataError{
        fmt::format("a line is longer than {} bytes: not a text file?", kMostBytes / 2)};
  }
  if (buffer_.size() < end_ + wanted + 1) buffer_.resize(end_ + wanted + 1);
  const std::size_t got = source_->read({buffer_.data() + end_, wanted});
  end_ += got;
  at_end_ = got == 0;
  if (at_end_ && end_ > 0 && buffer_[end_ - 1] != '\n') {
    buffer_[end_++] = '\n';
    return true;
  }
  return !at_end_;
}

std::uint64_t next_line_start(const std::filesystem::path& path, std::uint64_t offset) {
  if (offset == 0) return 0;
  const auto source = open_source(path, offset - 1);
  std::vector<char> buffer(1 << 16);
  for (std::uint64_t position = offset - 1;;) {
    const std::size_t got = source->read(buffer);
    if (got == 0) return position;
    const void* end = std::memchr(buffer.data(), '\n', got);
    if (end != nullptr) {
      return position + static_cast<std::uint64_t>(static_cast<const char*>(end) - buffer.data()) +
             1;
    }
    position += got;
  }
}

std::uint64_t count_lines(const std::filesystem::path& path, std::uint64_t bytes) {
  const auto source = open_source(path, 0, bytes);
  std::vector<char> buffer(1 << 18);
  std::uint64_t lines = 0;
  while (const std::size_t got = source->read(buffer)) {
    lines += static_cast<std::uint64_t>(
        std::count(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(got), '\n'));
  }
  return lines;
}

}  // namespace factorps

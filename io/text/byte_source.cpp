#include "io/text/byte_source.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "common/error.hpp"

namespace factorps {
namespace {

class PlainSource final : public ByteSource {
 public:
  PlainSource(const std::filesystem::path& path, std::uint64_t begin, std::uint64_t end)
      : path_{path.string()},
        descriptor_{::open(path.c_str(), O_RDONLY | O_CLOEXEC)},
        next_{begin},
        end_{end} {
    if (descriptor_ < 0) fail();
    struct stat status {};
    if (::fstat(descriptor_, &status) == 0 && S_ISDIR(status.st_mode)) {
      ::close(descriptor_);
      throw DataError{path_ + ": is a directory, expected a text file"};
    }
  }
  PlainSource(const PlainSource&) = delete;
  PlainSource& operator=(const PlainSource&) = delete;
  ~PlainSource() override { ::close(descriptor_); }

  std::size_t read(std::span<char> into) override {
    const std::size_t wanted = std::min<std::uint64_t>(into.size(), end_ - next_);
    std::size_t got = 0;
    while (got < wanted) {
      const ssize_t n =
          ::pread(descriptor_, into.data() + got, wanted - got, static_cast<off_t>(next_));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail();
      if (n == 0) break;
      got += static_cast<std::size_t>(n);
      next_ += static_cast<std::uint64_t>(n);
    }
    return got;
  }

 private:
  [[noreturn]] void fail() const {
    throw DataError{fmt::format("{}: cannot read: {}", path_, std::strerror(errno))};
  }

  std::string path_;
  int descriptor_;
  std::uint64_t next_;
  std::uint64_t end_;
};

constexpr std::size_t kInputBytes = 1 << 18;

class GzipSource final : public ByteSource {
 public:
  explicit GzipSource(const std::filesystem::path& path)
      : path_{path.string()},
        input_{path, 0, std::numeric_limits<std::uint64_t>::max()},
        buffer_(kInputBytes) {
    constexpr int kGzipOnly = 16;
    if (inflateInit2(&stream_, MAX_WBITS + kGzipOnly) != Z_OK) throw std::bad_alloc{};
  }
  GzipSource(const GzipSource&) = delete;
  GzipSource& operator=(const GzipSource&) = delete;
  ~GzipSource() override { inflateEnd(&stream_); }

  std::size_t read(std::span<char> into) override {
    const std::size_t wanted = std::min<std::size_t>(into.size(), 1U << 30);
    stream_.next_out = reinterpret_cast<Bytef*>(into.data());
    stream_.avail_out = static_cast<uInt>(wanted);
    while (stream_.avail_out > 0 && refill()) inflate_some();
    if (stream_.avail_out > 0 && inside_member_) {
      throw DataError{path_ + ": gzip data ends early: truncated?"};
    }
    return wanted - stream_.avail_out;
  }

 private:
  bool refill() {
    if (stream_.avail_in > 0) return true;
    stream_.next_in = reinterpret_cast<Bytef*>(buffer_.data());
    stream_.avail_in = static_cast<uInt>(input_.read(buffer_));
    return stream_.avail_in > 0;
  }
  void inflate_some() {
    inside_member_ = true;
    const int result = inflate(&stream_, Z_NO_FLUSH);
    if (result == Z_STREAM_END) {  // another member may follow
      inside_member_ = false;
      inflateReset(&stream_);
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      throw DataError{fmt::format("{}: damaged gzip data: {}", path_,
                                  stream_.msg == nullptr ? "unknown error" : stream_.msg)};
    }
  }

  std::string path_;
  PlainSource input_;
  std::vector<char> buffer_;
  z_stream stream_{};
  bool inside_member_ = false;
};

class ZstdSource final : public ByteSource {
 public:
  explicit ZstdSource(const std::filesystem::path& path)
      : path_{path.string()},
        input_{path, 0, std::numeric_limits<std::uint64_t>::max()},
        buffer_(kInputBytes) {
    if (!stream_) throw std::bad_alloc{};
  }

  std::size_t read(std::span<char> into) override {
    ZSTD_outBuffer out{into.data(), into.size(), 0};
    while (out.pos < out.size) {
      if (available_.pos == available_.size) available_ = {buffer_.data(), input_.read(buffer_), 0};
      const bool at_end = available_.size == 0;
      if (at_end && frame_complete_) break;
      const std::size_t before = out.pos;
      const std::size_t hint = ZSTD_decompressStream(stream_.get(), &out, &available_);
      if (ZSTD_isError(hint) != 0) {
        throw DataError{fmt::format("{}: damaged zstd data: {}", path_, ZSTD_getErrorName(hint))};
      }
      frame_complete_ = hint == 0;
      if (at_end && !frame_complete_ && out.pos == before) {
        throw DataError{path_ + ": zstd data ends early: truncated?"};
      }
    }
    return out.pos;
  }

 private:
  struct Free {
    void operator()(ZSTD_DStream* stream) const noexcept { ZSTD_freeDStream(stream); }
  };
  std::string path_;
  PlainSource input_;
  std::vector<char> buffer_;
  std::unique_ptr<ZSTD_DStream, Free> stream_{ZSTD_createDStream()};
  ZSTD_inBuffer available_{nullptr, 0, 0};
  bool frame_complete_ = true;
};

}  // namespace

Compression compression_of(const std::filesystem::path& path) {
  std::array<char, 4> magic{};
  PlainSource file{path, 0, magic.size()};
  const std::string_view start{magic.data(), file.read(magic)};
  if (start.starts_with("\x1F\x8B")) return Compression::gzip;
  if (start == "\x28\xB5\x2F\xFD") return Compression::zstd;
  return Compression::none;
}

std::unique_ptr<ByteSource> open_source(const std::filesystem::path& path, std::uint64_t begin,
                                        std::uint64_t end) {
  switch (compression_of(path)) {
    case Compression::gzip:
      return std::make_unique<GzipSource>(path);
    case Compression::zstd:
      return std::make_unique<ZstdSource>(path);
    case Compression::none:
      break;
  }
  return std::make_unique<PlainSource>(path, begin, end);
}

}  // namespace factorps

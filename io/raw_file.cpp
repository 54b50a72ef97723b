#include "io/raw_file.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/activity.hpp"
#include "common/error.hpp"
#include "common/faults.hpp"

namespace factorps {

RawFile::RawFile(const std::filesystem::path& path, int flags)
    : path_{path}, flags_{flags | O_CLOEXEC}, descriptor_{::open(path.c_str(), flags | O_CLOEXEC)} {
  if (descriptor_ < 0) fail("open");
}

RawFile RawFile::open_to_read(const std::filesystem::path& path) { return {path, O_RDONLY}; }
RawFile RawFile::open_to_write(const std::filesystem::path& path) { return {path, O_RDWR}; }

RawFile::RawFile(RawFile&& other) noexcept
    : path_{std::move(other.path_)},
      flags_{other.flags_},
      descriptor_{std::exchange(other.descriptor_, -1)},
      direct_{std::exchange(other.direct_, -1)} {}

RawFile::~RawFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (direct_ >= 0) ::close(direct_);
}

void RawFile::fail(const char* what) const {
  throw ResourceError{fmt::format("{}: cannot {}: {}", path_.string(), what, std::strerror(errno))};
}

std::uint64_t RawFile::size() const {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) fail("read");
  return static_cast<std::uint64_t>(status.st_size);
}

void RawFile::go_direct() noexcept {
  if (direct_ < 0) direct_ = ::open(path_.c_str(), flags_ | O_DIRECT);
}

std::size_t RawFile::direct_bytes(std::uint64_t offset,
                                  std::span<const std::byte> bytes) const noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(bytes.data());
  if (direct_ < 0 || offset % kPage != 0 || address % kPage != 0) return 0;
  return bytes.size() - bytes.size() % kPage;
}

/// @return bytes that were moved: all, or errno says why not; 0: the file ends
template <class Move>
std::size_t RawFile::transfer(std::uint64_t offset, std::span<const std::byte> bytes,
                              const Move& move) const {
  std::size_t direct = direct_bytes(offset, bytes);
  std::size_t done = 0;
  while (done < bytes.size()) {
    const bool directly = done < direct;
    errno = 0;
    const auto n =
        move(directly ? direct_ : descriptor_, done, (directly ? direct : bytes.size()) - done,
             static_cast<off_t>(offset + done));
    if (n > 0) {
      done += static_cast<std::size_t>(n);
    } else if (n == 0 || errno != EINTR) {
      if (!directly) break;
      direct = 0;  // the file system wants it otherwise, or the usual way says what is wrong
    }
  }
  return done;
}

void RawFile::read_at(std::uint64_t offset, std::span<std::byte> bytes) const {
  const std::size_t done =
      transfer(offset, bytes, [&](int file, std::size_t from, std::size_t count, off_t at) {
        return ::pread(file, bytes.data() + from, count, at);
      });
  if (done < bytes.size() && errno != 0) fail("read");
  if (done < bytes.size()) {
    throw ResourceError{fmt::format("{}: ends at byte {}, expected {} bytes at {}", path_.string(),
                                    offset + done, bytes.size(), offset)};
  }
  note_progress();
}

void RawFile::write_at(std::uint64_t offset, std::span<const std::byte> bytes) const {
  int error = 0;
  if (Faults* const faults = factorps::faults()) {
    const auto allowed = faults->write(path_, bytes.size());
    bytes = bytes.first(allowed.bytes);
    error = allowed.error;
  }
  const std::size_t done =
      transfer(offset, bytes, [&](int file, std::size_t from, std::size_t count, off_t at) {
        return ::pwrite(file, bytes.data() + from, count, at);
      });
  if (done < bytes.size()) fail("write");
  errno = error;
  if (error != 0) fail("write");
  note_progress();
}

void RawFile::sync() const {
  const Doing doing{"forces " + path_.string() + " to disk"};
  Faults* const faults = factorps::faults();
  errno = faults == nullptr ? 0 : faults->sync(path_);
  if (errno != 0 || ::fsync(descriptor_) != 0) fail("write to disk");
}

void RawFile::forget() const noexcept {
  static_cast<void>(::posix_fadvise(descriptor_, 0, 0, POSIX_FADV_DONTNEED));
}

}  // namespace factorps

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
    : path_{path}, descriptor_{::open(path.c_str(), flags | O_CLOEXEC)} {
  if (descriptor_ < 0) fail("open");
}

RawFile RawFile::open_to_read(const std::filesystem::path& path) { return {path, O_RDONLY}; }
RawFile RawFile::open_to_write(const std::filesystem::path& path) { return {path, O_RDWR}; }

RawFile::RawFile(RawFile&& other) noexcept
    : path_{std::move(other.path_)}, descriptor_{std::exchange(other.descriptor_, -1)} {}

RawFile::~RawFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void RawFile::fail(const char* what) const {
  throw ResourceError{fmt::format("{}: cannot {}: {}", path_.string(), what, std::strerror(errno))};
}

std::uint64_t RawFile::size() const {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) fail("read");
  return static_cast<std::uint64_t>(status.st_size);
}

void RawFile::read_at(std::uint64_t offset, std::span<std::byte> bytes) const {
  for (std::size_t done = 0; done < bytes.size();) {
    const auto n = ::pread(descriptor_, bytes.data() + done, bytes.size() - done,
                           static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("read");
    if (n == 0) {
      throw ResourceError{fmt::format("{}: ends at byte {}, expected {} bytes at {}",
                                      path_.string(), offset + done, bytes.size(), offset)};
    }
    done += static_cast<std::size_t>(n);
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
  for (std::size_t done = 0; done < bytes.size();) {
    const auto n = ::pwrite(descriptor_, bytes.data() + done, bytes.size() - done,
                            static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail("write");
    done += static_cast<std::size_t>(n);
  }
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

#include "io/files.hpp"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "common/activity.hpp"
#include "common/error.hpp"
#include "common/faults.hpp"

namespace factorps {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const char* what) {
  throw ResourceError{fmt::format("{}: cannot {}: {}", path.string(), what, std::strerror(errno))};
}

/// What comes behind the end of a full disk does not get there. @return errno; 0: all is written
int put(std::ofstream& out, const std::filesystem::path& path, std::string_view text) {
  int error = 0;
  if (Faults* const faults = factorps::faults()) {
    const auto allowed = faults->write(path, text.size());
    text = text.substr(0, allowed.bytes);
    error = allowed.error;
  }
  errno = 0;
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
  out.flush();
  if (error == 0 && !out) error = errno != 0 ? errno : EIO;
  return error;
}

/// A system call that a fault may stand in for.
template <class Call>
int try_call(int fault, Call&& call) {
  if (fault == 0) return call();
  errno = fault;
  return -1;
}

}  // namespace

void make_directories(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error) return;
  throw ResourceError{fmt::format("{}: cannot create: {}", path.string(), error.message())};
}

void sync_file(const std::filesystem::path& path) {
  const Doing doing{"forces " + path.string() + " to disk"};
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) fail(path, "open");
  Faults* const faults = factorps::faults();
  const int result = try_call(faults == nullptr ? 0 : faults->sync(path),
                              [descriptor] { return ::fsync(descriptor); });
  const int error = errno;
  ::close(descriptor);
  errno = error;
  if (result != 0) fail(path, "write to disk");
}

void commit_rename(const std::filesystem::path& from, const std::filesystem::path& to) {
  Faults* const faults = factorps::faults();
  const int result = try_call(faults == nullptr ? 0 : faults->rename(to),
                              [&] { return ::rename(from.c_str(), to.c_str()); });
  if (result != 0) fail(to, "create");
  sync_file(to.has_parent_path() ? to.parent_path() : std::filesystem::path{"."});
  if (faults != nullptr) faults->damage(to);
}

void write_file_atomically(const std::filesystem::path& path, std::string_view text) {
  const auto temporary = create_temporary(path);
  {
    std::ofstream out{temporary, std::ios::binary | std::ios::trunc};
    if (const int error = put(out, temporary, text); error != 0) {
      std::error_code ignored;
      std::filesystem::remove(temporary, ignored);
      errno = error;
      fail(path, "write");
    }
  }
  sync_file(temporary);
  commit_rename(temporary, path);
}

void append_to_file(const std::filesystem::path& path, std::string_view text) {
  {
    std::ofstream out{path, std::ios::binary | std::ios::app};
    errno = put(out, path, text);
    if (errno != 0) fail(path, "write");
  }
  sync_file(path);
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  if (!in) throw DataError{fmt::format("{}: {}", path.string(), std::strerror(errno))};
  return {std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}};
}

std::filesystem::path temporary_name(const std::filesystem::path& path) {
  std::random_device random;
  const std::uint64_t number = std::uint64_t{random()} << 32 | random();
  return path.parent_path() / fmt::format(".{}.{:016x}.tmp", path.filename().string(), number);
}

std::filesystem::path create_temporary(const std::filesystem::path& path) {
  std::filesystem::path temporary = temporary_name(path);
  const int descriptor =
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (descriptor < 0) fail(path, "create");
  ::close(descriptor);
  return temporary;
}

}  // namespace factorps

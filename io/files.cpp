#include "io/files.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "common/error.hpp"

namespace factorps {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const char* what) {
  throw ResourceError{fmt::format("{}: cannot {}: {}", path.string(), what, std::strerror(errno))};
}

}  // namespace

void make_directories(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error) return;
  throw ResourceError{fmt::format("{}: cannot create: {}", path.string(), error.message())};
}

void sync_file(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) fail(path, "open");
  const int result = ::fsync(descriptor);
  const int error = errno;
  ::close(descriptor);
  errno = error;
  if (result != 0) fail(path, "write to disk");
}

void commit_rename(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) fail(to, "create");
  sync_file(to.has_parent_path() ? to.parent_path() : std::filesystem::path{"."});
}

void write_file_atomically(const std::filesystem::path& path, std::string_view text) {
  const auto temporary = temporary_name(path);
  {
    std::ofstream out{temporary, std::ios::binary | std::ios::trunc};
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    out.flush();
    if (!out) {
      const int error = errno;
      std::error_code ignored;
      std::filesystem::remove(temporary, ignored);
      errno = error;
      fail(path, "write");
    }
  }
  sync_file(temporary);
  commit_rename(temporary, path);
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  if (!in) throw DataError{fmt::format("{}: {}", path.string(), std::strerror(errno))};
  return {std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}};
}

std::filesystem::path temporary_name(const std::filesystem::path& path) {
  return path.parent_path() /
         fmt::format(".{}.{}.tmp", path.filename().string(), static_cast<long>(::getpid()));
}

}  // namespace factorps

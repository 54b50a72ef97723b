#include "tests/fuzz/target.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include <unistd.h>

#include "common/error.hpp"

namespace factorps::fuzz {

InputFile::InputFile(std::string_view bytes) {
  static const std::filesystem::path kDirectory = std::filesystem::temp_directory_path();
  std::string name = (kDirectory / "factorps-fuzz-XXXXXX").string();
  const int descriptor = ::mkstemp(name.data());
  path_ = name;
  std::size_t written = 0;
  while (descriptor >= 0 && written < bytes.size()) {
    const ssize_t n = ::write(descriptor, bytes.data() + written, bytes.size() - written);
    if (n <= 0) break;
    written += static_cast<std::size_t>(n);
  }
  if (descriptor >= 0) ::close(descriptor);
  if (descriptor < 0 || written < bytes.size())
    throw std::system_error{errno, std::generic_category(), name};
}

InputFile::~InputFile() {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

bool accepts(const std::function<void()>& reader) {
  try {
    reader();
    return true;
  } catch (const Error&) {
    return false;
  }
}

std::uint8_t Input::byte() noexcept {
  const std::string_view one = take(1);
  return one.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(one.front());
}

std::uint64_t Input::number() noexcept {
  const std::string_view bytes = take(sizeof(std::uint64_t));
  std::uint64_t value = 0;
  std::memcpy(&value, bytes.data(), bytes.size());
  return value;
}

std::string_view Input::take(std::size_t n) noexcept {
  const std::string_view front = rest_.substr(0, std::min(n, rest_.size()));
  rest_.remove_prefix(front.size());
  return front;
}

std::string_view Input::line() noexcept {
  const std::size_t end = std::min(rest_.find('\0'), rest_.size());
  const std::string_view front = take(end);
  static_cast<void>(take(1));
  return front;
}

}  // namespace factorps::fuzz

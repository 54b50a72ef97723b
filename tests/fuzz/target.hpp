/// What a fuzz target is: a program with this one function. With libFuzzer (preset fuzz) it is
/// searched for crashes; with driver.cpp it replays a corpus and a fixed number of mutations.
///
/// A target gives its bytes to readers as files. What a reader refuses it must refuse by one of
/// our errors; any other exception, failed check, signal or report of a sanitizer is a finding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer looks for this name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace factorps::fuzz {

/// A file of its own under the system's temporary directory, with these bytes. HDF5 must be able to
/// tell its real path, so it cannot be one in memory.
class InputFile {
 public:
  explicit InputFile(std::string_view bytes);
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile();
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

[[nodiscard]] inline std::string_view as_text(const std::uint8_t* data, std::size_t size) noexcept {
  return {reinterpret_cast<const char*>(data), size};
}

/// Runs a reader; it may throw factorps::Error and nothing else. @return whether it did not
bool accepts(const std::function<void()>& reader);

/// Takes numbers off the front of an input; zeros when it is used up.
class Input {
 public:
  explicit Input(std::string_view bytes) : rest_{bytes} {}
  [[nodiscard]] bool empty() const noexcept { return rest_.empty(); }
  std::uint8_t byte() noexcept;
  /// Below `n`, which is at most 256.
  std::size_t below(std::size_t n) noexcept { return n == 0 ? 0 : byte() % n; }
  std::uint64_t number() noexcept;  ///< eight bytes, little-endian
  std::string_view take(std::size_t n) noexcept;
  /// Up to the next zero byte, which goes too.
  std::string_view line() noexcept;
  [[nodiscard]] std::string_view rest() const noexcept { return rest_; }

 private:
  std::string_view rest_;
};

}  // namespace factorps::fuzz

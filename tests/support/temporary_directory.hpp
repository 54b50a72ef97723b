/// A directory of its own for each test, gone when the test ends.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace factorps::test {

/// Unique among processes and threads; lives under the system's temporary directory.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] std::filesystem::path operator/(const std::filesystem::path& name) const {
    return path_ / name;
  }
  /// Writes a file, with its parent directories. @return its path
  std::filesystem::path write(const std::filesystem::path& name, std::string_view text) const;

 private:
  std::filesystem::path path_;
};

/// All bytes of a file; an empty string if there is no such file.
[[nodiscard]] std::string read_text(const std::filesystem::path& file);

/// FACTORPS_DATA_DIR, by default ../shared/data beside the sources: public data sets for
/// development, which are never part of the project. Tests skip when a file is not there.
[[nodiscard]] std::filesystem::path shared_data(const std::filesystem::path& name);

}  // namespace factorps::test
